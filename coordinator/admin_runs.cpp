// Runs as the operator asks for them: begun, planned dry, tried again, cancelled.

#include <algorithm>
#include <utility>

#include "common/postgres.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/plans/trades.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_stages.h"

namespace coordinator {
namespace {

using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgTransaction;
using common::Result;
using common::RunId;
using common::Status;

constexpr char kSelectFailed[] = R"sql(
WITH failed AS MATERIALIZED (
  SELECT s.wallet_id FROM wallet_sync s JOIN wallet w ON w.wallet_id = s.wallet_id
   WHERE s.status = 3 AND ($1::bytea[] IS NULL OR w.address = ANY($1::bytea[]))
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
  UPDATE wallet_sync s SET quarantined = false, status = 0
    FROM failed WHERE s.wallet_id = failed.wallet_id RETURNING 1),
forget AS (
  DELETE FROM wallet_blame b USING failed WHERE b.wallet_id = failed.wallet_id RETURNING 1)
SELECT name.name, name.wallets FROM name)sql";

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

}  // namespace

Result<NewRun> AdminLedger::CreateRun(const RunWish& wish) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  if (const Status locked = LockOrders(*connection); !locked) return locked.error();
  const auto selection = SelectWallets(*connection, wish);
  if (!selection) return selection.error();
  auto run = OrderRun(*connection, wish, *selection);
  if (!run) return run;
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Result<DryRun> AdminLedger::PlanDry(const RunWish& wish, int workers) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  // Nothing of it is kept: the transaction is never committed.
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  const auto selection = SelectWallets(*connection, wish);
  if (!selection) return selection.error();
  if (wish.action != "process") return DryStages(*connection, wish, *selection, workers);
  auto wallets = ReadRunWallets(*connection, selection->has_value() ? &**selection : nullptr);
  if (!wallets) return wallets.error();
  DryRun plan;
  plan.wallets = static_cast<std::int64_t>(wallets->loads.size());
  plan.requests = plans::ExpectedRequests(wallets->loads);
  plans::PlanTrades(wallets->loads, std::max(1, workers),
                    [&](const plans::PlannedChunk&) { ++plan.chunks; });
  return plan;
}

Result<NewRun> AdminLedger::Retry(const std::vector<common::WalletAddress>& wallets) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  if (const Status locked = LockOrders(*connection); !locked) return locked.error();
  PgParams params;
  if (wallets.empty()) {
    params.Null();
  } else {
    std::vector<std::string> addresses;
    for (const auto& wallet : wallets) {
      addresses.emplace_back(wallet.bytes.begin(), wallet.bytes.end());
    }
    params.BytesOf(addresses);
  }
  const auto selected = connection->Exec(kSelectFailed, params);
  if (!selected) return selected.error();
  const std::int64_t count = selected->Int64(0, 1);
  if (count == 0) return Error{ErrorKind::kRejected, "none of these wallets has failed"};
  auto run = OrderRun(*connection, RunWish{}, std::string(selected->Text(0, 0)));
  if (!run) return run;
  run->wallets = count;
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Status AdminLedger::Cancel(RunId run) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  const auto cancelled = connection->Exec(
      "UPDATE run SET state = 'cancelled', outcome = 'cancelled', finished_at = now() "
      "WHERE run_id = $1 AND state IN ('queued', 'running')",
      PgParams().Int64(run.value));
  if (!cancelled) return cancelled.error();
  if (cancelled->affected() == 0) {
    return Error{ErrorKind::kRejected,
                 "run " + std::to_string(run.value) + " is not queued or running"};
  }
  const auto closed = connection->Exec(
      "UPDATE chunk SET state = 'done', epoch = nextval('lease_epoch'), owner = NULL "
      "WHERE run_id = $1 AND state <> 'done'",
      PgParams().Int64(run.value));
  if (!closed) return closed.error();
  return transaction->Commit();
}

}  // namespace coordinator
