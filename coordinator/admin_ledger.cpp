#include "coordinator/admin_ledger.h"

#include <algorithm>
#include <utility>

#include "common/contracts.h"
#include "common/postgres.h"
#include "coordinator/postgres_rows.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::PgTransaction;
using common::Result;
using common::RunId;
using common::Status;

// Two at once add up different rows, one after the other.
constexpr char kFoldCensus[] = R"sql(
WITH gone AS (DELETE FROM census_change RETURNING *)
UPDATE census c SET wallets = c.wallets + g.wallets, syncing = c.syncing + g.syncing,
       completed = c.completed + g.completed, failed = c.failed + g.failed,
       trades = c.trades + g.trades, newest_trade = greatest(c.newest_trade, g.newest_trade)
  FROM (SELECT coalesce(sum(wallets), 0)::bigint AS wallets,
               coalesce(sum(syncing), 0)::bigint AS syncing,
               coalesce(sum(completed), 0)::bigint AS completed,
               coalesce(sum(failed), 0)::bigint AS failed,
               coalesce(sum(trades), 0)::bigint AS trades, max(newest_trade) AS newest_trade
          FROM gone) g)sql";

// Numbers are drawn for what is new alone: those of what is there would be lost.
constexpr char kInsertWallets[] =
    "INSERT INTO wallet (address, discovered_by) SELECT a, $2 FROM unnest($1::bytea[]) AS a "
    "WHERE NOT EXISTS (SELECT 1 FROM wallet w WHERE w.address = a) ORDER BY a "
    "ON CONFLICT (address) DO NOTHING";
// Who is named waits for a refresh until a sync of its own has finished.
constexpr char kInsertDue[] =
    "INSERT INTO wallet_due (wallet_id) SELECT w.wallet_id FROM wallet w "
    "LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id "
    "WHERE w.address = ANY($1::bytea[]) AND coalesce(s.complete_to, 0) = 0 ORDER BY 1 "
    "ON CONFLICT DO NOTHING";

using Wallets = std::vector<common::WalletAddress>;

std::vector<std::string> BytesOf(const Wallets& wallets) {
  std::vector<std::string> addresses;
  addresses.reserve(wallets.size());
  for (const auto& wallet : wallets) {
    addresses.emplace_back(wallet.bytes.begin(), wallet.bytes.end());
  }
  return addresses;
}

void LeaveContractsOut(Wallets& wallets) {
  std::erase_if(wallets, [](const auto& wallet) { return common::IsContract(wallet); });
}

// But for contracts, which fail each time.
Status InsertDue(PgConnection& connection, Wallets wallets) {
  LeaveContractsOut(wallets);
  const auto due = connection.Exec(kInsertDue, PgParams().BytesOf(BytesOf(wallets)));
  if (!due) return due.error();
  return Done{};
}

}  // namespace

Result<AdminLedger::Added> InsertWallets(PgConnection& connection, const std::string& selection,
                                         const std::string& discovered_by,
                                         std::vector<common::WalletAddress> wallets) {
  std::sort(wallets.begin(), wallets.end());
  wallets.erase(std::unique(wallets.begin(), wallets.end()), wallets.end());
  // No discovery takes a contract for a wallet; who names one himself learns why it has no trades.
  if (discovered_by != "list") LeaveContractsOut(wallets);
  const std::vector<std::string> addresses = BytesOf(wallets);
  const auto added =
      connection.Exec(kInsertWallets, PgParams().BytesOf(addresses).Text(discovered_by));
  if (!added) return added.error();
  const auto chosen = connection.Exec(
      "INSERT INTO selection_wallet (selection, wallet_id) SELECT $2, wallet_id FROM wallet "
      "WHERE address = ANY($1::bytea[]) ORDER BY wallet_id ON CONFLICT DO NOTHING",
      PgParams().BytesOf(addresses).Text(selection));
  if (!chosen) return chosen.error();
  return AdminLedger::Added{static_cast<std::int64_t>(wallets.size()), added->affected()};
}

Result<AdminLedger::Added> AdminLedger::AddWallets(
    const std::string& selection, const std::string& discovered_by,
    const std::vector<common::WalletAddress>& wallets) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  auto transaction = PgTransaction::Begin(*connection, Bounds());
  if (!transaction) return transaction.error();
  auto added = InsertWallets(*connection, selection, discovered_by, wallets);
  if (!added) return added;
  if (const Status due = InsertDue(*connection, wallets); !due) return due.error();
  if (const Status committed = transaction->Commit(); !committed) return committed.error();
  return added;
}

// --- Settings ----------------------------------------------------------------------------------

Status AdminLedger::Execute(const char* sql, const std::string& value) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  return common::Execute(*connection, sql, PgParams().Text(value));
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

Result<bool> AdminLedger::ClaimSchedule(const std::string& name) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "UPDATE schedule SET next_at = next_at + every_s * interval '1 second' "
      "* (floor(extract(epoch FROM now() - next_at) / every_s) + 1) "
      "WHERE name = $1 AND enabled AND next_at <= now() AND NOT EXISTS "
      "(SELECT 1 FROM run WHERE state IN ('queued', 'running')) RETURNING 1",
      PgParams().Text(name));
  if (!rows) return rows.error();
  return !rows->empty();
}

Status AdminLedger::NoteRun(const std::string& kind, common::UnixSeconds started_at,
                            std::int64_t wallets, bool is_complete) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "WITH noted AS ("
      "INSERT INTO run (kind, stages, stage_totals, state, outcome, requested_at, started_at, "
      "finished_at, wallets_total) VALUES ($1, ARRAY[$1], ARRAY[$3::int], 'finished', $4, "
      "to_timestamp($2), to_timestamp($2), now(), $3) RETURNING run_id) "
      "UPDATE schedule SET last_run = noted.run_id FROM noted WHERE name = $1",
      PgParams()
          .Text(kind)
          .Int64(started_at)
          .Int32(static_cast<std::int32_t>(wallets))
          .Text(is_complete ? "complete" : "incomplete"));
  if (!rows) return rows.error();
  return Done{};
}

// --- Reading -----------------------------------------------------------------------------------

Result<std::vector<RunRow>> AdminLedger::Runs(int limit) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  return ReadRuns(*connection, limit);
}

Result<RunRow> AdminLedger::Run(RunId run) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  return ReadRun(*connection, run);
}

Result<std::vector<FailedWallet>> AdminLedger::FailedOf(RunId run, int limit) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT coalesce(hex0x(w.address), f.kind || ': ' || left(u.task, 200), f.kind), f.reason "
      "FROM run_failure f "
      "LEFT JOIN wallet w ON f.kind = 'trades' AND w.wallet_id = f.wallet_id "
      "LEFT JOIN work_unit u ON f.kind <> 'trades' AND u.unit_id = f.wallet_id "
      "WHERE f.run_id = $1 ORDER BY f.stage, f.wallet_id LIMIT $2",
      PgParams().Int64(run.value).Int32(limit));
  if (!rows) return rows.error();
  std::vector<FailedWallet> failed;
  failed.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) {
    failed.push_back({std::string(rows->Text(i, 0)), std::string(rows->Text(i, 1))});
  }
  return failed;
}

Result<std::optional<WalletView>> AdminLedger::Wallet(const common::WalletAddress& address) const {
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT w.discovered_by, d.sync_status, coalesce(s.quarantined, false), "
      "coalesce(s.trades_stored, 0), coalesce(s.trades_processed, 0), "
      "coalesce(extract(epoch FROM d.complete_to)::bigint, 0), "
      "coalesce(s.last_trade_ts, 0), coalesce(extract(epoch FROM s.last_synced_at)::bigint, 0), "
      "coalesce(s.duration_ms, 0), coalesce(s.error_count, 0), coalesce(s.last_error, '') "
      "FROM wallet w LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id "
      "JOIN wallet_sync_metadata d ON d.wallet_address = hex0x(w.address) WHERE w.address = $1",
      PgParams().Bytes(
          {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()}));
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<WalletView>();
  WalletView view;
  view.address = address;
  view.discovered_by = rows->Text(0, 0);
  view.status = rows->Text(0, 1);
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
  constexpr std::int64_t kMostChanges = 1000;
  auto connection = pool_->Borrow();
  if (!connection) return connection.error();
  const auto rows = connection->Exec(
      "SELECT wallets, syncing, completed, failed, trades, newest_trade, changes, "
      "EXISTS (SELECT 1 FROM coverage WHERE from_ts <= 1 AND to_ts >= from_ts), "
      "coalesce((SELECT max(to_ts) FROM coverage WHERE to_ts >= from_ts AND to_block > 0), 0) "
      "FROM wallet_census");
  if (!rows) return rows.error();
  Census census;
  census.wallets = rows->Int64(0, 0);
  census.syncing = rows->Int64(0, 1);
  census.completed = rows->Int64(0, 2);
  census.failed = rows->Int64(0, 3);
  census.trades = rows->Int64(0, 4);
  census.newest_trade = rows->Int64(0, 5);
  census.ranges_to = rows->Int64(0, 8);
  census.pending =
      std::max<std::int64_t>(0, census.wallets - census.syncing - census.completed - census.failed);
  // Ranges have told the wallets that no sync of their own has touched.
  if (rows->Bool(0, 7)) census.completed += std::exchange(census.pending, 0);
  if (rows->Int64(0, 6) < kMostChanges) return census;
  if (const auto folded = connection->Exec(kFoldCensus); !folded) return folded.error();
  return census;
}

}  // namespace coordinator
