#include "coordinator/admin_ledger.h"

#include <algorithm>
#include <utility>

#include "common/postgres.h"
#include "coordinator/plans/trades.h"
#include "coordinator/postgres_rows.h"

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::PgTransaction;
using common::Result;
using common::RunId;
using common::Status;

// One at a time creates runs, so that the same wish twice is one run.
constexpr char kLockRuns[] = "SELECT pg_advisory_xact_lock(7234601)";

// Wallets in the order in which they need a sync, as a selection named by its content.
constexpr char kSelectNeedy[] = R"sql(
WITH needy AS MATERIALIZED (
  SELECT w.wallet_id FROM wallet w LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
   WHERE NOT coalesce(s.quarantined, false)
   ORDER BY coalesce(s.trades_stored, 0) >= 20000 DESC, coalesce(s.complete_to, 0) = 0 DESC,
            coalesce(s.complete_to, 0), w.wallet_id
   LIMIT $1),
name AS MATERIALIZED (
  SELECT 'needy-' || coalesce(md5(string_agg(wallet_id::text, ',' ORDER BY wallet_id)), '') AS name
    FROM needy),
ins AS (
  INSERT INTO selection_wallet (selection, wallet_id)
  SELECT name.name, needy.wallet_id FROM needy, name ORDER BY 2
  ON CONFLICT DO NOTHING RETURNING 1)
SELECT name.name FROM name)sql";

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

Result<NewRun> InsertRun(PgConnection& connection, const std::string& source,
                         const std::optional<std::string>& selection) {
  const auto params = [&] {
    PgParams made;
    made.Text(source);
    return selection ? std::move(made.Text(*selection)) : std::move(made.Null());
  }();
  const auto same = connection.Exec(
      "SELECT run_id FROM run WHERE state IN ('queued', 'running') AND kind = 'trades' "
      "AND source = $1 AND selection IS NOT DISTINCT FROM $2::text ORDER BY run_id LIMIT 1",
      params);
  if (!same) return same.error();
  if (!same->empty()) return NewRun{{same->Int64(0, 0)}, true, 0};
  const auto rows = connection.Exec(
      "INSERT INTO run (kind, source, selection) VALUES ('trades', $1, $2) RETURNING run_id",
      params);
  if (!rows) return rows.error();
  return NewRun{{rows->Int64(0, 0)}, false, 0};
}

// The selection that is wished for; nothing: all wallets.
Result<std::optional<std::string>> Select(PgConnection& connection, const RunWish& wish) {
  if (wish.max_wallets > 0) {
    const auto rows = connection.Exec(kSelectNeedy, PgParams().Int64(wish.max_wallets));
    if (!rows) return rows.error();
    return std::optional<std::string>(std::string(rows->Text(0, 0)));
  }
  if (wish.selection.empty()) return std::optional<std::string>();
  const auto rows = connection.Exec("SELECT 1 FROM selection_wallet WHERE selection = $1 LIMIT 1",
                                    PgParams().Text(wish.selection));
  if (!rows) return rows.error();
  if (rows->empty()) {
    return Error{ErrorKind::kRejected, "selection " + wish.selection + " holds no wallets"};
  }
  return std::optional<std::string>(wish.selection);
}

}  // namespace

Result<AdminLedger::Added> AdminLedger::AddWallets(
    const std::string& selection, const std::string& discovered_by,
    const std::vector<common::WalletAddress>& wallets) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  std::vector<common::WalletAddress> sorted = wallets;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::string> addresses;
  addresses.reserve(sorted.size());
  for (const auto& wallet : sorted) {
    addresses.emplace_back(wallet.bytes.begin(), wallet.bytes.end());
  }
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  const auto added = connection->Exec(
      "INSERT INTO wallet (address, discovered_by) SELECT a, $2 FROM unnest($1::bytea[]) AS a "
      "ORDER BY a ON CONFLICT (address) DO NOTHING",
      PgParams().BytesOf(addresses).Text(discovered_by));
  if (!added) return added.error();
  const auto chosen = connection->Exec(
      "INSERT INTO selection_wallet (selection, wallet_id) SELECT $2, wallet_id FROM wallet "
      "WHERE address = ANY($1::bytea[]) ORDER BY wallet_id ON CONFLICT DO NOTHING",
      PgParams().BytesOf(addresses).Text(selection));
  if (!chosen) return chosen.error();
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return Added{static_cast<std::int64_t>(sorted.size()), added->affected()};
}

Result<NewRun> AdminLedger::CreateRun(const RunWish& wish) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  if (const auto locked = connection->Exec(kLockRuns); !locked) return locked.error();
  const auto selection = Select(*connection, wish);
  if (!selection) return selection.error();
  auto run = InsertRun(*connection, wish.source, *selection);
  if (!run) return run;
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Result<DryRun> AdminLedger::PlanDry(const RunWish& wish, int workers) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  // Nothing of it is kept: the transaction is never committed.
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  const auto selection = Select(*connection, wish);
  if (!selection) return selection.error();
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
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection);
  if (!transaction) return transaction.error();
  if (const auto locked = connection->Exec(kLockRuns); !locked) return locked.error();
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
  auto run = InsertRun(*connection, "auto", std::string(selected->Text(0, 0)));
  if (!run) return run;
  run->wallets = count;
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return run;
}

Status AdminLedger::Cancel(RunId run) const {
  auto connection = PgConnection::Open(url_);
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

// --- Settings ----------------------------------------------------------------------------------

Status AdminLedger::Execute(const char* sql, const std::string& value) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  const auto rows = connection->Exec(sql, PgParams().Text(value));
  if (!rows) return rows.error();
  return Done{};
}

Status AdminLedger::SetPaused(bool paused) const {
  return Execute(
      "INSERT INTO fleet_setting (name, value) VALUES ('paused', $1::jsonb) "
      "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
      paused ? "true" : "false");
}

Status AdminLedger::SetDesired(int workers) const {
  return Execute(
      "INSERT INTO fleet_setting (name, value) VALUES ('desired', $1::jsonb) "
      "ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
      std::to_string(workers));
}

Status AdminLedger::SetStopped(const std::string& worker, bool stopped) const {
  if (stopped) {
    return Execute(
        "INSERT INTO fleet_setting AS f (name, value) "
        "VALUES ('stopped', jsonb_build_array($1::text)) ON CONFLICT (name) DO UPDATE "
        "SET value = (f.value - $1::text) || jsonb_build_array($1::text)",
        worker);
  }
  return Execute("UPDATE fleet_setting SET value = value - $1::text WHERE name = 'stopped'",
                 worker);
}

// --- Reading -----------------------------------------------------------------------------------

Result<std::vector<RunRow>> AdminLedger::Runs(int limit) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  return ReadRuns(*connection, limit);
}

Result<RunRow> AdminLedger::Run(RunId run) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  return ReadRun(*connection, run);
}

Result<std::vector<FailedWallet>> AdminLedger::FailedOf(RunId run, int limit) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT w.address, f.reason FROM run_failure f JOIN wallet w ON w.wallet_id = f.wallet_id "
      "WHERE f.run_id = $1 ORDER BY f.wallet_id LIMIT $2",
      PgParams().Int64(run.value).Int32(limit));
  if (!rows) return rows.error();
  std::vector<FailedWallet> failed;
  for (int i = 0; i < rows->size(); ++i) {
    failed.push_back({ReadAddress(*rows, i, 0), std::string(rows->Text(i, 1))});
  }
  return failed;
}

Result<std::optional<WalletView>> AdminLedger::Wallet(const common::WalletAddress& address) const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT w.discovered_by, coalesce(s.status, 0), coalesce(s.quarantined, false), "
      "coalesce(s.trades_stored, 0), coalesce(s.trades_processed, 0), coalesce(s.complete_to, 0), "
      "coalesce(s.last_trade_ts, 0), coalesce(extract(epoch FROM s.last_synced_at)::bigint, 0), "
      "coalesce(s.duration_ms, 0), coalesce(s.error_count, 0), coalesce(s.last_error, '') "
      "FROM wallet w LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id WHERE w.address = $1",
      PgParams().Bytes(
          {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()}));
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<WalletView>();
  constexpr const char* kStates[] = {"pending", "syncing", "completed", "failed"};
  WalletView view;
  view.address = address;
  view.discovered_by = rows->Text(0, 0);
  view.status = kStates[std::clamp<std::int64_t>(rows->Int64(0, 1), 0, 3)];
  view.quarantined = rows->Bool(0, 2);
  view.trades_stored = rows->Int64(0, 3);
  view.trades_processed = rows->Int64(0, 4);
  view.complete_to = rows->Int64(0, 5);
  view.last_trade_ts = rows->Int64(0, 6);
  view.last_synced_at = rows->Int64(0, 7);
  view.duration_ms = rows->Int64(0, 8);
  view.error_count = rows->Int64(0, 9);
  view.last_error = rows->Text(0, 10);
  return std::optional<WalletView>(std::move(view));
}

Result<Census> AdminLedger::Count() const {
  auto connection = PgConnection::Open(url_);
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT -1, count(*), 0 FROM wallet UNION ALL "
      "SELECT status, count(*), coalesce(sum(trades_stored), 0)::bigint FROM wallet_sync "
      "GROUP BY status");
  if (!rows) return rows.error();
  Census census;
  for (int i = 0; i < rows->size(); ++i) {
    const std::int64_t count = rows->Int64(i, 1);
    census.trades += rows->Int64(i, 2);
    switch (rows->Int64(i, 0)) {
      case -1:
        census.wallets = count;
        break;
      case 1:
        census.syncing = count;
        break;
      case 2:
        census.completed = count;
        break;
      case 3:
        census.failed = count;
        break;
      default:
        break;
    }
  }
  census.pending =
      std::max<std::int64_t>(0, census.wallets - census.syncing - census.completed - census.failed);
  return census;
}

}  // namespace coordinator
