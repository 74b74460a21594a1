// What a refresh costs the coordinator follows what is new: none of its statements reads all
// wallets.
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "coordinator/admin_ledger.h"
#include "coordinator/postgres_ledger.h"
#include "tests/support/postgres_test.h"

namespace coordinator {
namespace {

constexpr int kWallets = 20'000;

class RefreshCostTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    const std::string count = std::to_string(kWallets);
    Query(
        "INSERT INTO wallet (address, discovered_by) SELECT decode(lpad(to_hex(i), 40, '0'), "
        "'hex'), 'list' FROM generate_series(1, " +
        count + ") i");
    Query(
        "INSERT INTO wallet_sync (wallet_id, status, trades_stored, complete_to) "
        "SELECT wallet_id, 2, 5, 1000 FROM wallet");
    Query("INSERT INTO wallet_cursor SELECT wallet_id, 2, 1, 1000, '', 1 FROM wallet");
    Query(
        "INSERT INTO work_unit (kind, task) SELECT k, hex0x(address) FROM wallet, "
        "unnest('{activity,positions}'::text[]) k");
    Query(
        "INSERT INTO market (condition_id, volume, volume_fed) SELECT decode(lpad(to_hex(i), 64, "
        "'0'), 'hex'), i, CASE WHEN i > 3 THEN i END FROM generate_series(1, 5000) i");
    Query("INSERT INTO coverage VALUES (3, 1, 1000, 999999999)");
    Query("ANALYZE");
    before_ = RowsScanned();
  }

  // Rows of tables that grow with wallets which were read by scans of whole tables. Sessions tell
  // their counts when they end, at the latest.
  std::int64_t RowsScanned() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (QueryInt("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()") > 0 &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return QueryInt(
        "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname IN "
        "('wallet', 'wallet_sync', 'wallet_cursor', 'work_unit', 'trade')");
  }

  template <typename T>
  T Ask(PostgresLedger& ledger, common::Term term, const LedgerRequest& request) {
    auto answer = ledger.Perform(term, request);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return std::get<T>(std::move(answer).value());
  }

  // As a worker does it.
  void MarkDone(const std::string& kind, common::WalletId id, common::RunId run) {
    const bool is_wallet = kind == "trades";
    Query(std::string("UPDATE ") + (is_wallet ? "wallet_sync" : "work_unit") +
          " SET status = 2, complete_to = 2000, done_run = " + std::to_string(run.value) +
          (is_wallet           ? ", trades_stored = trades_stored + 4"
           : kind == "holders" ? ", reached = extract(epoch FROM now())::bigint"
                               : ", reached = 1000000500") +
          " WHERE " + (is_wallet ? "wallet_id" : "unit_id") + " = " + std::to_string(id.value));
  }

  // A whole run, everything the coordinator asks for on the way included; how it ended.
  RunRow Refresh(const std::string& source) {
    PostgresLedger ledger(url_, "here", std::chrono::minutes(10));
    const AdminLedger admin(url_);
    const common::Term term = ledger.HoldTerm({}).value();
    RunWish wish;
    wish.action = "refresh";
    wish.source = source;
    const common::RunId run = admin.CreateRun(wish).value().run;
    Ask<Scheduled>(ledger, term, ScheduleRequest{});
    auto chunks = Ask<Planned>(ledger, term, PlanRequest{run, 2}).chunks;
    for (int stage = 0; stage < 10 && !chunks.empty(); ++stage) {
      Ask<Loaded>(ledger, term, LoadRequest{});
      for (const ChunkRow& chunk : chunks) {
        const auto units = Ask<Prepared>(ledger, term, PrepareRequest{{chunk.id}}).contents.at(0);
        const auto grant =
            Ask<Granted>(ledger, term, GrantRequest{{{chunk.id, chunk.epoch, {"w-1"}}}});
        const common::Epoch epoch = grant.grants.at(0).epoch.value();
        for (const WalletRow& unit : units.wallets) MarkDone(chunk.kind, unit.id, run);
        EXPECT_TRUE(
            Ask<FinishedAnswer>(ledger, term, FinishRequest{run, chunk.id, epoch, {}, {}}).closed);
        if (chunk.kind == "range" || chunk.kind == "holders") {
          Query(
              "INSERT INTO wallet_due VALUES (7, 1500, true), (19000, 1500, true) "
              "ON CONFLICT DO NOTHING");
          Query("ANALYZE wallet_due");
        }
        EXPECT_EQ(admin.Count().value().wallets, kWallets);
        EXPECT_TRUE(admin.Run(run).has_value());
      }
      chunks = Ask<RunClosed>(ledger, term, CloseRunRequest{run, {}, 2}).created;
    }
    return admin.Run(run).value();
  }

  std::int64_t before_ = 0;
};

TEST_F(RefreshCostTest, OfRanges) {
  const RunRow run = Refresh("rpc");
  EXPECT_EQ(run.state, "finished");
  EXPECT_EQ(run.outcome, "complete");
  EXPECT_EQ(run.trades, 8);  // of the two wallets that were due
  EXPECT_EQ(RowsScanned() - before_, 0);
}

TEST_F(RefreshCostTest, OfFeedsOfMarketsThatMoved) {
  const RunRow run = Refresh("data-api");
  EXPECT_EQ(run.outcome, "complete");
  EXPECT_EQ(QueryInt("SELECT count(*) FROM work_unit WHERE kind = 'holders'"), 3);
  EXPECT_EQ(run.trades, 8);
  EXPECT_EQ(RowsScanned() - before_, 0);
}

// Counted by hand at the end of everything that changes it.
TEST_F(RefreshCostTest, TheCensusIsExact) {
  const AdminLedger admin(url_);
  const auto expect = [&] {
    const Census census = admin.Count().value();
    EXPECT_EQ(census.wallets, QueryInt("SELECT count(*) FROM wallet"));
    EXPECT_EQ(census.syncing, QueryInt("SELECT count(*) FROM wallet_sync WHERE status = 1"));
    EXPECT_EQ(census.failed, QueryInt("SELECT count(*) FROM wallet_sync WHERE status = 3"));
    EXPECT_EQ(census.trades,
              QueryInt("SELECT coalesce(sum(trades_stored), 0)::bigint FROM wallet_sync"));
    EXPECT_EQ(census.newest_trade,
              QueryInt("SELECT coalesce(max(last_trade_ts), 0) FROM wallet_sync"));
    EXPECT_EQ(census.completed + census.pending + census.syncing + census.failed, census.wallets);
  };
  expect();
  Query(
      "UPDATE wallet_sync SET status = wallet_id % 4, trades_stored = wallet_id, "
      "last_trade_ts = 1700000000 - wallet_id");
  expect();
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, trades_stored) "
      "SELECT i, 1, 3 FROM generate_series(19000, 21000) i ON CONFLICT (wallet_id) DO UPDATE "
      "SET status = EXCLUDED.status, trades_stored = wallet_sync.trades_stored + 3");
  expect();
  Query("DELETE FROM wallet_sync WHERE wallet_id BETWEEN 5 AND 900");
  Query("DELETE FROM wallet WHERE wallet_id BETWEEN 5 AND 900");
  expect();
  // More than are left lying: added up, they say the same.
  Query(
      "DO $$ BEGIN FOR i IN 1..1200 LOOP UPDATE wallet_sync SET trades_stored = i "
      "WHERE wallet_id = 1; END LOOP; END $$");
  expect();
  EXPECT_LT(QueryInt("SELECT count(*) FROM census_change"), 1000);
  expect();
  Query("TRUNCATE wallet_sync");
  expect();
}

}  // namespace
}  // namespace coordinator
