// Runs as the operator asks for them: begun, planned dry, tried again, cancelled.

#include <algorithm>
#include <set>
#include <utility>

#include "common/postgres.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/plans/range.h"
#include "coordinator/plans/trades.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_run_wallets.h"
#include "coordinator/postgres_stages.h"
#include "coordinator/postgres_units.h"

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgTransaction;
using common::Result;
using common::RunId;
using common::Status;

// Longer in all than the database lets a frozen session hold a lock.
constexpr int kCancelAttempts = 10;

// Wallets that failed, but for those of a retry under way. They have failed until they are done:
// also those of which somebody has stored a page since, and then went no further.
constexpr char kSelectFailed[] = R"sql(
WITH open AS (
  SELECT unnest(c.wallets) AS wallet_id FROM chunk c JOIN run r ON r.run_id = c.run_id
   WHERE c.kind = 'trades' AND c.state <> 'done' AND r.state IN ('queued', 'running')),
failed AS MATERIALIZED (
  SELECT s.wallet_id FROM wallet_sync s JOIN wallet w ON w.wallet_id = s.wallet_id
   WHERE (s.status = 3 OR (s.status = 1 AND s.last_error IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM open o WHERE o.wallet_id = s.wallet_id)))
     AND ($1::bytea[] IS NULL OR w.address = ANY($1::bytea[]))
     AND NOT EXISTS (
       SELECT 1 FROM selection_wallet x JOIN run r ON r.selection = x.selection
        WHERE x.wallet_id = s.wallet_id AND r.state IN ('queued', 'running')
          AND (r.kind = 'retry' OR r.selection LIKE 'retry-%'))
   ORDER BY s.wallet_id FOR UPDATE OF s),
name AS MATERIALIZED (
  SELECT 'retry-' || coalesce(md5(string_agg(wallet_id::text, ',' ORDER BY wallet_id)), '') AS name,
         count(*) AS wallets
    FROM failed),
ins AS (
  INSERT INTO selection_wallet (selection, wallet_id)
  SELECT name.name, failed.wallet_id FROM failed, name ORDER BY 2
  ON CONFLICT DO NOTHING RETURNING 1),
pardon AS (
  UPDATE wallet_sync s SET quarantined = false
    FROM failed WHERE s.wallet_id = failed.wallet_id RETURNING 1),
forget AS (
  DELETE FROM wallet_blame b USING failed
   WHERE b.kind = 'trades' AND b.wallet_id = failed.wallet_id RETURNING 1)
SELECT name.name, name.wallets FROM name)sql";

// Units that failed, but for those that a retry under way has taken; $1 not null: the feeds of
// these wallets alone.
constexpr char kFailedUnits[] = R"sql(
WITH open AS (
  SELECT unnest(c.wallets) AS unit_id FROM chunk c JOIN run r ON r.run_id = c.run_id
   WHERE c.kind <> 'trades' AND c.state <> 'done' AND r.state IN ('queued', 'running'))
SELECT unit_id, kind, task FROM work_unit u
 WHERE (status = 3 OR (status IN (0, 1) AND last_error IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM open o WHERE o.unit_id = u.unit_id)))
   AND NOT EXISTS (
     SELECT 1 FROM run r WHERE r.run_id = retry_run AND r.state IN ('queued', 'running'))
   AND ($1::bytea[] IS NULL OR (kind IN ('activity', 'positions') AND task IN (
   SELECT hex0x(a) FROM unnest($1::bytea[]) AS a)))
 ORDER BY unit_id)sql";

// A retry that was ordered before: its answer may have been lost. $1 as above.
constexpr char kRetryUnderWay[] = R"sql(
SELECT run_id FROM run r
 WHERE state IN ('queued', 'running') AND (kind = 'retry' OR selection LIKE 'retry-%')
   AND ($1::bytea[] IS NULL
        OR EXISTS (SELECT 1 FROM selection_wallet s JOIN wallet w ON w.wallet_id = s.wallet_id
                    WHERE s.selection = r.selection AND w.address = ANY($1::bytea[]))
        OR EXISTS (SELECT 1 FROM work_unit u WHERE u.retry_run = r.run_id
                    AND u.task IN (SELECT hex0x(a) FROM unnest($1::bytea[]) AS a)))
 ORDER BY run_id DESC LIMIT 1)sql";

struct FailedUnits {
  std::set<std::string> kinds;
  std::vector<std::int32_t> units;
};

// A span that ranges have gone beyond meanwhile, in another cut, is told.
bool IsTold(const std::string& task, const std::vector<plans::Coverage>& coverages) {
  const auto range = plans::ParseRangeTask(task);
  return range && std::any_of(coverages.begin(), coverages.end(), [&](const auto& one) {
           return one.source == range->source && one.is_told() && one.first() <= range->from &&
                  range->from <= one.last();
         });
}

Result<FailedUnits> ReadFailedUnits(PgConnection& connection, const PgParams& wallets) {
  const auto coverages = ReadCoverage(connection);
  if (!coverages) return coverages.error();
  const auto rows = connection.Exec(kFailedUnits, wallets);
  if (!rows) return rows.error();
  FailedUnits failed;
  for (int i = 0; i < rows->size(); ++i) {
    const std::string kind(rows->Text(i, 1));
    if (kind == "range" && IsTold(std::string(rows->Text(i, 2)), *coverages)) continue;
    failed.kinds.insert(kind);
    failed.units.push_back(static_cast<std::int32_t>(rows->Int64(i, 0)));
  }
  return failed;
}

// Wallets alone are a run like any other; units need a stage for each kind.
RunWish RetryOf(const FailedUnits& failed, bool has_wallets) {
  RunWish wish;
  if (failed.kinds.empty()) return wish;
  wish.action = "retry";
  for (const char* kind : {"markets", "holders", "range", "trades", "activity", "positions"}) {
    const bool is_wanted =
        kind == std::string("trades") ? has_wallets : failed.kinds.contains(kind);
    if (is_wanted) wish.stages.emplace_back(kind);
  }
  return wish;
}

Status TakeAgain(PgConnection& connection, const std::vector<std::int32_t>& units, RunId run) {
  const auto taken = connection.Exec(
      "UPDATE work_unit SET retry_run = $2, quarantined = false WHERE unit_id = ANY($1::int[])",
      PgParams().Int32s(units).Int64(run.value));
  if (!taken) return taken.error();
  const auto forgiven = connection.Exec(
      "DELETE FROM wallet_blame WHERE kind <> 'trades' AND wallet_id = ANY($1::int[])",
      PgParams().Int32s(units));
  if (!forgiven) return forgiven.error();
  return Done{};
}

// Every stage as it would be cut by what is known now; nothing of it is kept.
Result<DryRun> DryStages(PgConnection& connection, const RunWish& wish,
                         const std::optional<std::string>& selection, int workers) {
  // It plans in earnest and rolls back; beside a run it would hold the rows that this one needs.
  const auto busy =
      connection.Exec("SELECT 1 FROM run WHERE state IN ('queued', 'running') LIMIT 1");
  if (!busy) return busy.error();
  if (!busy->empty()) {
    return Error{ErrorKind::kRejected, "a run is under way; plan dry when it is over"};
  }
  const auto run = OrderRun(connection, wish, selection);
  if (!run) return run.error();
  auto order = LockRun(connection, run->run);
  if (!order) return order.error();
  for (RunOrder& stages = **order;;) {
    if (const Status planned = PlanStage(connection, stages, workers); !planned) {
      return planned.error();
    }
    if (stages.is_last_stage()) break;
    if (const Status next = NextStage(connection, stages); !next) return next.error();
  }
  const auto rows = connection.Exec(
      "SELECT coalesce(sum(cardinality(wallets)), 0), count(*), coalesce(sum(weight), 0)::bigint "
      "FROM chunk WHERE run_id = $1",
      PgParams().Int64(run->run.value));
  if (!rows) return rows.error();
  return DryRun{rows->Int64(0, 0), rows->Int64(0, 1), rows->Int64(0, 2) / plans::kWalletWeight};
}

// A worker that is frozen holds its chunk until the database ends it; the ledger must not wait for
// the run's row meanwhile. So chunks come first, as where one is finished.
Status CancelOnce(PgConnection& connection, RunId run) {
  auto transaction = PgTransaction::Begin(connection, Bounds());
  if (!transaction) return transaction.error();
  const auto locked = connection.Exec(
      "SELECT 1 FROM chunk WHERE run_id = $1 AND state <> 'done' ORDER BY chunk_id FOR UPDATE",
      PgParams().Int64(run.value));
  if (!locked) return locked.error();
  const auto cancelled = connection.Exec(
      "UPDATE run SET state = 'cancelled', outcome = 'cancelled', finished_at = now() "
      "WHERE run_id = $1 AND state IN ('queued', 'running')",
      PgParams().Int64(run.value));
  if (!cancelled) return cancelled.error();
  if (cancelled->affected() == 0) {
    return Error{ErrorKind::kRejected,
                 "run " + std::to_string(run.value) + " is not queued or running"};
  }
  const auto closed = connection.Exec(
      "UPDATE chunk SET state = 'done', epoch = nextval('lease_epoch'), owner = NULL "
      "WHERE run_id = $1 AND state <> 'done'",
      PgParams().Int64(run.value));
  if (!closed) return closed.error();
  return transaction->Commit();
}

}  // namespace

Result<NewRun> AdminLedger::CreateRun(const RunWish& wish) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection, Bounds());
  if (!transaction) return transaction.error();
  if (const Status locked = LockOrders(*connection); !locked) return locked.error();
  const auto selection = SelectWallets(*connection, wish);
  if (!selection) return selection.error();
  auto run = OrderRun(*connection, wish, *selection);
  if (!run) return run;
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Result<DryRun> AdminLedger::PlanDry(RunWish wish, int workers,
                                    const std::vector<common::WalletAddress>& wallets) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  // Nothing of it is kept: the transaction is never committed.
  auto transaction = PgTransaction::Begin(*connection, Bounds());
  if (!transaction) return transaction.error();
  if (!wallets.empty()) {
    wish.selection = "dry-run";
    const auto added = InsertWallets(*connection, wish.selection, "list", wallets);
    if (!added) return added.error();
  }
  const auto selection = SelectWallets(*connection, wish);
  if (!selection) return selection.error();
  if (wish.action != "process") return DryStages(*connection, wish, *selection, workers);
  auto planned = ReadRunWallets(*connection, selection->has_value() ? &**selection : nullptr);
  if (!planned) return planned.error();
  DryRun plan;
  plan.wallets = static_cast<std::int64_t>(planned->loads.size());
  plan.requests = plans::ExpectedRequests(planned->loads);
  plans::PlanTrades(planned->loads, std::max(1, workers),
                    [&](const plans::PlannedChunk&) { ++plan.chunks; });
  return plan;
}

Result<NewRun> AdminLedger::Retry(const std::vector<common::WalletAddress>& wallets) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection, Bounds());
  if (!transaction) return transaction.error();
  if (const Status locked = LockOrders(*connection); !locked) return locked.error();
  PgParams params;
  if (wallets.empty()) {
    params.Null();
  } else {
    std::vector<std::string> addresses;
    addresses.reserve(wallets.size());
    for (const auto& wallet : wallets) {
      addresses.emplace_back(wallet.bytes.begin(), wallet.bytes.end());
    }
    params.BytesOf(addresses);
  }
  const auto selected = connection->Exec(kSelectFailed, params);
  if (!selected) return selected.error();
  const auto failed = ReadFailedUnits(*connection, params);
  if (!failed) return failed.error();
  const std::int64_t count = selected->Int64(0, 1);
  if (count == 0 && failed->units.empty()) {
    const auto ordered = connection->Exec(kRetryUnderWay, params);
    if (!ordered) return ordered.error();
    if (!ordered->empty()) return NewRun{{ordered->Int64(0, 0)}, true, 0};
    if (wallets.empty()) return NewRun{};
    const auto known =
        connection->Exec("SELECT 1 FROM wallet WHERE address = ANY($1::bytea[]) LIMIT 1", params);
    if (!known) return known.error();
    if (!known->empty()) return NewRun{};
    return Error{ErrorKind::kRejected, "none of these wallets is known"};
  }
  std::optional<std::string> selection;
  if (count > 0) selection = std::string(selected->Text(0, 0));
  auto run = OrderRun(*connection, RetryOf(*failed, count > 0), selection);
  if (!run) return run;
  run->wallets = count;
  run->units = static_cast<std::int64_t>(failed->units.size());
  if (const Status taken = TakeAgain(*connection, failed->units, run->run); !taken) {
    return taken.error();
  }
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Status AdminLedger::Cancel(RunId run) const {
  auto borrowed = pool_->Borrow();
  if (!borrowed) return borrowed.error();
  PgConnection& connection = *borrowed;
  for (int attempts = 1;; ++attempts) {
    Status cancelled = CancelOnce(connection, run);
    const std::string_view state = connection.sqlstate();
    const bool is_in_the_way = state == common::kLockNotAvailable || state == "40P01";
    if (cancelled || !is_in_the_way || attempts == kCancelAttempts) return cancelled;
  }
}

}  // namespace coordinator
