// Units of work in PostgreSQL, beside wallets; and what follows from work that is done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "coordinator/ledger.h"
#include "coordinator/plans/range.h"

namespace coordinator {

// The marks of a chunk's units, in the columns of those of wallets: see postgres_chunks.cpp.
extern const char kUnitMarks[];

// Reads the units, not done yet in their run, of the contents that hold units.
common::Status AddUnits(common::PgConnection& connection, std::vector<ChunkContent>& contents);

// Adds to the wallets' cursors what ranges have told of them.
common::Status CoverWallets(common::PgConnection& connection, std::vector<ChunkContent>& contents);

common::Result<std::vector<plans::Coverage>> ReadCoverage(common::PgConnection& connection);
common::Status WriteCoverage(common::PgConnection& connection, const plans::Coverage& coverage);

// Writes down what follows from these wallets or units being done in this run: wallets that are due
// no more, markets that were fed, spans that are covered. May be said again.
common::Status Settle(common::PgConnection& connection, common::RunId run, const std::string& kind,
                      const std::vector<std::int32_t>& done);

// Wallets that were refused for good: the third time, those that are due because somebody named
// them and for nothing that was seen are due no more, else every refresh would be incomplete for
// them.
common::Status SettleRefused(common::PgConnection& connection, const std::string& kind,
                             const std::vector<std::int32_t>& refused);

// Appends to what is covered the ranges that are done and join it: all of them, for one that was
// done early, even by another run, may follow only now.
common::Status SettleRanges(common::PgConnection& connection, common::RunId run);

common::Status QuarantineUnit(common::PgConnection& connection, std::int32_t unit,
                              const std::string& reason);

}  // namespace coordinator
