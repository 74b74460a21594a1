// How a run begins, goes from stage to stage, and ends in PostgreSQL.

#include <algorithm>
#include <utility>

#include "coordinator/postgres_ledger.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_stages.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::RunId;
using common::Status;
using common::Term;

// Wallets or units of the run's stage that nobody answered for.
constexpr char kMissingWallets[] = R"sql(
SELECT DISTINCT u.wallet_id, c.kind FROM chunk c
CROSS JOIN LATERAL unnest(c.wallets) AS u(wallet_id)
LEFT JOIN wallet_sync s ON s.wallet_id = u.wallet_id
WHERE c.run_id = $1 AND c.stage = $2 AND c.kind = 'trades' AND coalesce(s.done_run, 0) <> $1
  AND NOT EXISTS (SELECT 1 FROM run_failure f WHERE f.run_id = $1 AND f.kind = c.kind
                     AND f.wallet_id = u.wallet_id AND f.final)
LIMIT 500)sql";

constexpr char kMissingUnits[] = R"sql(
SELECT DISTINCT u.unit_id, c.kind FROM chunk c
CROSS JOIN LATERAL unnest(c.wallets) AS u(unit_id)
JOIN work_unit s ON s.unit_id = u.unit_id
WHERE c.run_id = $1 AND c.stage = $2 AND c.kind <> 'trades' AND s.done_run <> $1
  AND NOT EXISTS (SELECT 1 FROM run_failure f WHERE f.run_id = $1 AND f.kind = c.kind
                     AND f.wallet_id = u.unit_id AND f.final)
LIMIT 500)sql";

// Failures of what was completed all the same.
constexpr char kForgiveWallets[] =
    "DELETE FROM run_failure f USING wallet_sync s WHERE f.run_id = $1 AND f.kind = 'trades' "
    "AND s.wallet_id = f.wallet_id AND s.done_run = $1";
constexpr char kForgiveUnits[] =
    "DELETE FROM run_failure f USING work_unit s WHERE f.run_id = $1 AND f.kind <> 'trades' "
    "AND s.unit_id = f.wallet_id AND s.done_run = $1";

// A refresh by feeds is as fresh as they are. A feed behind this refresh's begin by more than any
// lag with which the Data API counts as fresh has not told who traded since; the next refresh reads
// it again. A discovery asks for no freshness.
constexpr char kStaleFeeds[] = R"sql(
INSERT INTO run_failure (run_id, kind, stage, wallet_id, reason, final)
SELECT DISTINCT ON (w.unit_id) r.run_id, c.kind, c.stage, w.unit_id,
       'the Data API is behind: who traded lately is not told yet, the next refresh asks again',
       true
FROM run r JOIN chunk c ON c.run_id = r.run_id AND c.kind = 'holders'
CROSS JOIN LATERAL unnest(c.wallets || c.settled) AS u(unit_id)
JOIN work_unit w ON w.unit_id = u.unit_id
WHERE r.run_id = $1 AND r.kind = 'refresh' AND w.done_run = r.run_id
  AND to_timestamp(w.reached) < r.started_at - interval '2 hours'
ON CONFLICT (run_id, kind, wallet_id) DO NOTHING)sql";

// Beats told the trades while it ran; what was stored while nobody listened shows here. Of the
// run's wallets alone, by their chunks: what it costs is not for all that are known to decide.
constexpr char kFinish[] =
    "UPDATE run SET state = 'finished', finished_at = now(), outcome = CASE WHEN EXISTS "
    "(SELECT 1 FROM run_failure WHERE run_id = $1) THEN 'incomplete' ELSE 'complete' END, "
    "trades = CASE WHEN NOT EXISTS (SELECT 1 FROM chunk WHERE run_id = $1 AND kind = 'trades') "
    "THEN trades ELSE greatest(0, (SELECT coalesce(sum(s.trades_stored), 0) FROM "
    "(SELECT DISTINCT unnest(c.wallets || c.settled) AS wallet_id FROM chunk c "
    "WHERE c.run_id = $1 AND c.kind = 'trades') u JOIN wallet_sync s USING (wallet_id)) "
    "- trades_before) END WHERE run_id = $1 AND state = 'running'";

// Chunks of what is missing, if anything.
Result<std::vector<ChunkRow>> BringBack(PgConnection& connection, const RunOrder& order) {
  for (const char* sql : {kMissingWallets, kMissingUnits}) {
    const auto missing = connection.Exec(sql, PgParams().Int64(order.run.value).Int32(order.stage));
    if (!missing) return missing.error();
    if (missing->empty()) continue;
    std::vector<std::int32_t> wallets;
    wallets.reserve(static_cast<std::size_t>(missing->size()));
    for (int i = 0; i < missing->size(); ++i) {
      wallets.push_back(static_cast<std::int32_t>(missing->Int64(i, 0)));
    }
    return Create(connection, order.run, std::string(missing->Text(0, 1)),
                  {ChunkOf(std::move(wallets), 0)});
  }
  return std::vector<ChunkRow>{};
}

Status Finish(PgConnection& connection, RunId run) {
  for (const char* sql : {kForgiveWallets, kForgiveUnits, kStaleFeeds, kFinish}) {
    const auto rows = connection.Exec(sql, PgParams().Int64(run.value));
    if (!rows) return rows.error();
  }
  return Done{};
}

// Plans the next stage that has anything to do. Nothing: there is none, and the run is finished.
Result<std::vector<ChunkRow>> GoOn(PgConnection& connection, RunOrder order, int workers) {
  if (const Status counted = CountStage(connection, order.run); !counted) return counted.error();
  while (!order.is_last_stage()) {
    if (const Status next = NextStage(connection, order); !next) return next.error();
    if (const Status planned = PlanStage(connection, order, workers); !planned) {
      return planned.error();
    }
    auto open = ReadOpenChunks(connection, order.run, true);
    if (!open || !open->empty()) return open;
  }
  if (const Status finished = Finish(connection, order.run); !finished) return finished.error();
  return std::vector<ChunkRow>{};
}

}  // namespace

Result<LedgerAnswer> PostgresLedger::Do(Term, const PlanRequest& request) {
  PgConnection& connection = *connection_;
  const auto order = LockRun(connection, request.run);
  if (!order) return order.error();
  if (order->has_value() && (*order)->state == "queued") {
    const Status planned = PlanStage(connection, **order, request.workers);
    if (!planned) return planned.error();
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
  const auto order = LockRun(connection, request.run);
  if (!order) return order.error();
  RunClosed answer;
  auto pending = ReadOpenChunks(connection, request.run, false);
  if (!pending) return pending.error();
  if (!pending->empty()) {
    std::erase_if(*pending,
                  [](const ChunkRow& row) { return row.state != ChunkRow::State::kPending; });
    answer.created = std::move(*pending);
  } else if (order->has_value() && (*order)->state == "running") {
    // Here, so that a request whose answer was lost counts once.
    if (const Status status = AddUse(connection, request.run, request.use); !status) {
      return status.error();
    }
    auto created = BringBack(connection, **order);
    if (created && created->empty()) created = GoOn(connection, **order, request.workers);
    if (!created) return created.error();
    answer.created = std::move(*created);
  }
  auto row = ReadRun(connection, request.run);
  if (!row) return row.error();
  answer.run = std::move(*row);
  return LedgerAnswer{std::move(answer)};
}

}  // namespace coordinator
