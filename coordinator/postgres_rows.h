// Rows of run, chunk and fleet_setting as the values of ledger.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "coordinator/ledger.h"

namespace coordinator {

// Settings of a transaction: nothing waits for a row without end, and nobody waits without end for
// this process.
std::string Bounds();

// A time that lies ahead already stays, unless the new interval ends before it.
common::Status SetSchedule(common::PgConnection& connection,
                           const std::vector<ScheduleWish>& schedule);

common::WalletAddress ReadAddress(const common::PgRows& rows, int row, int column);

// kRejected if there is no such run.
common::Result<RunRow> ReadRun(common::PgConnection& connection, common::RunId run);
// Newest first.
common::Result<std::vector<RunRow>> ReadRuns(common::PgConnection& connection, int limit);

common::Result<std::vector<ChunkRow>> ReadOpenChunks(common::PgConnection& connection,
                                                     common::RunId run, bool only_pending);
common::Result<std::vector<ChunkRow>> ReadChunks(common::PgConnection& connection,
                                                 const std::vector<std::int64_t>& chunks);

struct NewChunk {
  std::vector<std::int32_t> wallets;
  std::int64_t weight = 0;
  int round = 0;
  std::int64_t wait_ms = 0;
};
// Inserts in this order, as chunks of the run's stage, and returns the new numbers.
common::Result<std::vector<std::int64_t>> InsertChunks(common::PgConnection& connection,
                                                       common::RunId run, const std::string& kind,
                                                       const std::vector<NewChunk>& chunks);

NewChunk ChunkOf(std::vector<std::int32_t> wallets, int round, std::int64_t wait_ms = 0);
// Inserts them and reads them back.
common::Result<std::vector<ChunkRow>> Create(common::PgConnection& connection, common::RunId run,
                                             const std::string& kind,
                                             const std::vector<NewChunk>& chunks);

common::Status AddUse(common::PgConnection& connection, common::RunId run, const RunUse& use);
common::Status WriteFailures(common::PgConnection& connection, common::RunId run,
                             const std::string& kind, const std::vector<WalletFailure>& failures);

common::Result<FleetSettings> ReadSettings(common::PgConnection& connection);

}  // namespace coordinator
