// How a run begins and ends in PostgreSQL.

#include <algorithm>
#include <utility>

#include "coordinator/plans/trades.h"
#include "coordinator/postgres_ledger.h"
#include "coordinator/postgres_rows.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::Status;
using common::Term;

constexpr std::size_t kChunksAtOnce = 128;

}  // namespace

Result<LedgerAnswer> PostgresLedger::Do(Term, const PlanRequest& request) {
  PgConnection& connection = *connection_;
  const auto run =
      connection.Exec("SELECT kind, selection, state FROM run WHERE run_id = $1 FOR UPDATE",
                      PgParams().Int64(request.run.value));
  if (!run) return run.error();
  if (!run->empty() && run->Text(0, 2) == "queued") {
    const std::string kind(run->Text(0, 0));
    const std::string selection(run->Text(0, 1));
    auto wallets = ReadRunWallets(connection, run->IsNull(0, 1) ? nullptr : &selection);
    if (!wallets) return wallets.error();
    std::vector<NewChunk> chunks;
    Status written = Done{};
    const auto flush = [&] {
      if (!written || chunks.empty()) return;
      const auto ids = InsertChunks(connection, request.run, kind, chunks);
      if (!ids) written = ids.error();
      chunks.clear();
    };
    plans::PlanTrades(wallets->loads, std::max(1, request.workers),
                      [&](plans::PlannedChunk planned) {
                        chunks.push_back({std::move(planned.wallets), planned.weight, 0, 0});
                        if (chunks.size() >= kChunksAtOnce) flush();
                      });
    flush();
    if (!written) return written.error();
    const Status failed = WriteFailures(connection, request.run, wallets->quarantined);
    if (!failed) return failed.error();
    const auto started = connection.Exec(
        "UPDATE run SET state = 'running', started_at = now(), wallets_total = $2, "
        "trades_before = $3 WHERE run_id = $1",
        PgParams()
            .Int64(request.run.value)
            .Int64(static_cast<std::int64_t>(wallets->loads.size() + wallets->quarantined.size()))
            .Int64(wallets->trades_stored));
    if (!started) return started.error();
  }
  auto row = ReadRun(connection, request.run);
  if (!row) return row.error();
  Planned planned;
  planned.run = std::move(*row);
  auto open = ReadOpenChunks(connection, request.run, true);
  if (!open) return open.error();
  planned.chunks = std::move(*open);
  return LedgerAnswer{std::move(planned)};
}

Result<LedgerAnswer> PostgresLedger::Do(Term, const CloseRunRequest& request) {
  PgConnection& connection = *connection_;
  const auto params = PgParams().Int64(request.run.value);
  if (const Status status = AddUse(connection, request.run, request.use); !status) {
    return status.error();
  }
  RunClosed answer;
  auto pending = ReadOpenChunks(connection, request.run, false);
  if (!pending) return pending.error();
  if (!pending->empty()) {
    std::erase_if(*pending,
                  [](const ChunkRow& row) { return row.state != ChunkRow::State::kPending; });
    answer.created = std::move(*pending);
  } else {
    const auto missing = connection.Exec(
        "SELECT DISTINCT u.wallet_id, c.kind FROM chunk c "
        "CROSS JOIN LATERAL unnest(c.wallets) AS u(wallet_id) "
        "LEFT JOIN wallet_sync s ON s.wallet_id = u.wallet_id "
        "WHERE c.run_id = $1 AND coalesce(s.done_run, 0) <> $1 AND NOT EXISTS (SELECT 1 "
        "FROM run_failure f WHERE f.run_id = $1 AND f.wallet_id = u.wallet_id AND f.final) "
        "LIMIT 500",
        params);
    if (!missing) return missing.error();
    if (!missing->empty()) {
      std::vector<std::int32_t> wallets;
      for (int i = 0; i < missing->size(); ++i) {
        wallets.push_back(static_cast<std::int32_t>(missing->Int64(i, 0)));
      }
      auto created = Create(connection, request.run, std::string(missing->Text(0, 1)),
                            {ChunkOf(std::move(wallets), 0)});
      if (!created) return created.error();
      answer.created = std::move(*created);
    } else {
      const auto forgiven = connection.Exec(
          "DELETE FROM run_failure f USING wallet_sync s WHERE f.run_id = $1 "
          "AND s.wallet_id = f.wallet_id AND s.done_run = $1",
          params);
      if (!forgiven) return forgiven.error();
      const auto finished = connection.Exec(
          // Beats told the trades while it ran; what was stored while nobody listened shows here.
          "UPDATE run SET state = 'finished', finished_at = now(), outcome = CASE WHEN EXISTS "
          "(SELECT 1 FROM run_failure WHERE run_id = $1) THEN 'incomplete' ELSE 'complete' END, "
          // A chunk that was taken back has lost the wallets that were done: those tell themselves.
          "trades = greatest(0, (SELECT coalesce(sum(s.trades_stored), 0) FROM wallet_sync s "
          "WHERE s.done_run = $1 OR s.wallet_id IN "
          "(SELECT unnest(c.wallets) FROM chunk c WHERE c.run_id = $1)) "
          "- trades_before) WHERE run_id = $1 AND state = 'running'",
          params);
      if (!finished) return finished.error();
    }
  }
  auto row = ReadRun(connection, request.run);
  if (!row) return row.error();
  answer.run = std::move(*row);
  return LedgerAnswer{std::move(answer)};
}

}  // namespace coordinator
