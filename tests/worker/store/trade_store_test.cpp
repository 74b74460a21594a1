#include <atomic>
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/failpoint.h"
#include "common/lease_session.h"
#include "tests/worker/store/store_fixture.h"

namespace worker::store {
namespace {

class TradeStoreTest : public StoreFixture {
 protected:
  // Writes a batch that must be accepted.
  Receipt Write(PostgresTradeStore& store, const Batch& batch) {
    // As the store loop does: a machine that stands still for long loses its session.
    common::Result<Receipt> receipt = store.Write(batch);
    for (int again = 0; again < 3 && !receipt; ++again) {
      if (receipt.error().kind == common::ErrorKind::kTransient) receipt = store.Write(batch);
    }
    EXPECT_TRUE(receipt.has_value()) << (receipt ? "" : receipt.error().message);
    return receipt ? *receipt : Receipt{};
  }
};

TEST_F(TradeStoreTest, RowsComeBackThroughTheViewAsTheyWereWritten) {
  PostgresTradeStore store(url_);
  Batch batch = BatchOf(3, 7, 8);
  common::Trade& trade = batch.rows[0].trade;
  trade.fee = 1'250'000;
  trade.log_index = 9;
  trade.side = common::Side::kSell;
  trade.role = common::Role::kMaker;
  trade.version = common::ExchangeVersion::kV1;
  EXPECT_EQ(Write(store, batch).stored, 1U);
  const common::PgRows rows = Query(
      "SELECT wallet_address, token_id, side, price, size, usdc_amount, fee, role, "
      "transaction_hash, log_index, extract(epoch FROM traded_at)::bigint, exchange_version, "
      "source "
      "FROM trades_raw");
  EXPECT_EQ(rows.Text(0, 0), "0x0000000000000000000000000000000000000003");
  EXPECT_EQ(rows.Text(0, 1), "3");
  EXPECT_EQ(rows.Text(0, 2), "SELL");
  EXPECT_EQ(rows.Text(0, 3), "0.499998");
  EXPECT_EQ(rows.Text(0, 4), "2.000007");
  EXPECT_EQ(rows.Text(0, 5), "1.000000");
  EXPECT_EQ(rows.Text(0, 6), "1.250000");
  EXPECT_EQ(rows.Text(0, 7), "maker");
  EXPECT_EQ(rows.Text(0, 8), trade.tx.ToString());
  EXPECT_EQ(rows.Int64(0, 9), 9);
  EXPECT_EQ(rows.Int64(0, 10), trade.ts);
  EXPECT_EQ(rows.Text(0, 11), "V1");
  EXPECT_EQ(rows.Text(0, 12), "data-api");
}

TEST_F(TradeStoreTest, ABatchOfferedAgainChangesNothing) {
  PostgresTradeStore store(url_);
  const Batch batch = BatchOf(1, 0, 100);
  EXPECT_EQ(Write(store, batch).stored, 100U);
  EXPECT_EQ(Write(store, batch).stored, 0U);
  EXPECT_EQ(store.counts().conflicts, 1U);
  EXPECT_EQ(Trades(), 100);
  EXPECT_EQ(Sync(1, "trades_stored"), 100);
  EXPECT_EQ(Sync(1, "volume"), 100'000'000);
  EXPECT_EQ(Sync(1, "trades_processed"), 100);
  EXPECT_EQ(Sync(1, "duration_ms"), 5);
  EXPECT_EQ(Sync(1, "last_trade_ts"), 1'700'000'099);
}

TEST_F(TradeStoreTest, OverlappingBatchesCountOnlyWhatIsNew) {
  PostgresTradeStore store(url_);
  Write(store, BatchOf(1, 50, 100));
  EXPECT_EQ(Write(store, BatchOf(1, 20, 70)).stored, 30U);
  EXPECT_EQ(Sync(1, "trades_stored"), 80);
  EXPECT_EQ(Sync(1, "trades_processed"), 100);
}

TEST_F(TradeStoreTest, EqualKeysWithinABatchAreOneRow) {
  PostgresTradeStore store(url_);
  Batch batch = BatchOf(1, 0, 10);
  batch.rows.push_back(batch.rows[4]);
  EXPECT_EQ(Write(store, batch).stored, 10U);
  EXPECT_EQ(store.counts().conflicts, 0U);
}

TEST_F(TradeStoreTest, AReplayPaysForOneFailedAttempt) {
  PostgresTradeStore store(url_);
  for (int i = 0; i < 5; ++i) Write(store, BatchOf(1, 10 * i, 10 * i + 10));
  for (int i = 0; i < 5; ++i) Write(store, BatchOf(1, 10 * i, 10 * i + 10));
  EXPECT_EQ(store.counts().conflicts, 1U);
  for (int i = 5; i < 15; ++i) Write(store, BatchOf(1, 10 * i, 10 * i + 10));
  EXPECT_GT(store.counts().fast, 10U);
  EXPECT_EQ(Trades(), 150);
}

TEST_F(TradeStoreTest, AStaleEpochStoresNothing) {
  PostgresTradeStore store(url_);
  Lease(kChunk, common::Epoch{11});
  Batch batch = BatchOf(1, 0, 10);
  EXPECT_TRUE(Write(store, batch).fenced);
  EXPECT_EQ(Trades(), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_cursor"), 0);
  batch.epoch = common::Epoch{11};
  EXPECT_FALSE(Write(store, batch).fenced);
}

TEST_F(TradeStoreTest, ABatchWaitsForTheReLeaseAndIsThenFenced) {
  common::PgConnection coordinator = Connect();
  ASSERT_TRUE(coordinator.ExecScript("BEGIN; UPDATE chunk SET epoch = 11").has_value());
  std::atomic<bool> is_over = false;
  common::Result<Receipt> receipt = Receipt{};
  std::jthread writer([&] {
    PostgresTradeStore store(url_);
    receipt = store.Write(BatchOf(1, 0, 10));
    is_over = true;
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const std::string waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
  while (QueryInt(waiting) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(is_over);
  ASSERT_TRUE(coordinator.Exec("COMMIT").has_value());
  writer.join();
  ASSERT_TRUE(receipt.has_value()) << receipt.error().message;
  EXPECT_TRUE(receipt->fenced);
  EXPECT_EQ(Trades(), 0);
}

// So that a worker that freezes between its fence and its COMMIT does not hold the row for ever.
TEST_F(TradeStoreTest, AnOpenBatchNamesItsLeaseAndMayNotIdle) {
  Query("CREATE TABLE told (may_idle text)");
  Query(
      "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO told VALUES "
      "(current_setting('idle_in_transaction_session_timeout')); RETURN NULL; END$$");
  Query("CREATE TRIGGER tell AFTER INSERT ON trade EXECUTE FUNCTION tell()");
  common::PgConnection other = Connect();  // holds the batch open
  ASSERT_TRUE(other.ExecScript("BEGIN; LOCK TABLE wallet_sync IN EXCLUSIVE MODE").has_value());
  PostgresTradeStore store(url_);
  std::jthread writer([&] { EXPECT_TRUE(store.Write(BatchOf(1, 0, 10)).has_value()); });
  const std::string named = "SELECT count(*) FROM pg_stat_activity WHERE application_name = '" +
                            common::LeaseSessionName(kChunk, kEpoch) + "'";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (QueryInt(named) == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(QueryInt(named), 1);
  EXPECT_TRUE(other.Exec("COMMIT").has_value());
  writer.join();
  EXPECT_EQ(QueryInt(named), 0) << "the session is named beyond the batch";
  EXPECT_EQ(Query("SELECT may_idle FROM told").Text(0, 0), common::kIdleInTransaction);
}

TEST_F(TradeStoreTest, StoresWithOverlappingBatchesDoNotDeadlock) {
  constexpr int kStores = 4;
  constexpr int kRounds = 12;
  std::atomic<std::uint64_t> stored = 0;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kStores; ++writer) {
    Lease(common::ChunkId{writer + 1}, kEpoch);
    writers.emplace_back([&, writer] {
      PostgresTradeStore store(url_);
      for (int round = 0; round < kRounds; ++round) {
        Batch batch = EmptyBatch();
        batch.chunk = common::ChunkId{writer + 1};
        for (int i = 0; i < 10; ++i) {  // each in another order
          const int wallet = 1 + (writer % 2 == 0 ? i : 9 - i);
          Add(batch, wallet, round * 20, round * 20 + 30);
        }
        const common::Result<Receipt> receipt = store.Write(batch);
        if (!receipt || receipt->fenced) ++failures;
        if (receipt) stored += receipt->stored;
        EXPECT_EQ(store.counts().victims, 0U);
      }
    });
  }
  writers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Trades(), 10 * (20 * (kRounds - 1) + 30));
  EXPECT_EQ(static_cast<std::int64_t>(stored.load()), Trades());
  EXPECT_EQ(QueryInt("SELECT sum(trades_stored) FROM wallet_sync"), Trades());
}

TEST_F(TradeStoreTest, AsTheVictimOfADeadlockItTriesAgain) {
  PostgresTradeStore store(url_);
  Batch batch = BatchOf(1, 0, 10);
  Add(batch, 2, 0, 10);
  Write(store, batch);
  common::PgConnection other = Connect();
  ASSERT_TRUE(other
                  .ExecScript("SET deadlock_timeout = '60s'; BEGIN; "
                              "UPDATE wallet_sync SET epoch = epoch WHERE wallet_id = 2")
                  .has_value());
  std::jthread writer([&] {
    Batch next = BatchOf(1, 10, 20);
    Add(next, 2, 10, 20);
    Write(store, next);
  });
  while (QueryInt("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(other.Exec("UPDATE wallet_sync SET epoch = epoch WHERE wallet_id = 1").has_value());
  ASSERT_TRUE(other.Exec("COMMIT").has_value());
  writer.join();
  EXPECT_GT(store.counts().victims, 0U);
  EXPECT_EQ(Trades(), 40);
  EXPECT_EQ(Sync(1, "trades_stored"), 20);
}

// A session keeps what it began with, so the store must not keep the session.
TEST_F(TradeStoreTest, AReadOnlyDatabaseIsAwayForNow) {
  const std::string alter =
      "ALTER DATABASE " + std::string(Query("SELECT current_database()").Text(0, 0));
  auto earlier = common::PgConnection::Open(url_);
  ASSERT_TRUE(earlier.has_value());
  ASSERT_TRUE(earlier->Exec(alter + " SET default_transaction_read_only = on").has_value());
  PostgresTradeStore store(url_);
  const common::Result<Receipt> refused = store.Write(BatchOf(1, 0, 10));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, common::ErrorKind::kTransient);
  ASSERT_TRUE(earlier->Exec(alter + " RESET default_transaction_read_only").has_value());
  EXPECT_TRUE(store.Write(BatchOf(1, 0, 10)).has_value());
}

// Within the batch, and at its COMMIT.
TEST_F(TradeStoreTest, ADatabaseWhoseDiskIsFullIsAwayForNow) {
  Query(
      "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END$$");
  PostgresTradeStore store(url_);
  int from = 0;
  for (const char* when : {"TRIGGER fill BEFORE INSERT ON trade",
                           "CONSTRAINT TRIGGER fill AFTER INSERT ON trade INITIALLY DEFERRED"}) {
    Query(fmt::format("CREATE {} FOR EACH ROW EXECUTE FUNCTION fill()", when));
    const Batch batch = BatchOf(1, from, from + 10);
    for (int tries = 0; tries < 5; ++tries) {
      const common::Result<Receipt> refused = store.Write(batch);
      ASSERT_FALSE(refused.has_value());
      EXPECT_EQ(refused.error().kind, common::ErrorKind::kTransient) << refused.error().message;
      EXPECT_THAT(refused.error().message, testing::HasSubstr("53100"));
    }
    EXPECT_EQ(Trades(), from);
    Query("DROP TRIGGER fill ON trade");
    EXPECT_EQ(Write(store, batch).stored, 10U);
    from += 10;
    EXPECT_EQ(Trades(), from);
    EXPECT_EQ(Sync(1, "trades_stored"), from);
    EXPECT_EQ(Sync(1, "trades_processed"), from);
  }
  EXPECT_EQ(store.counts().connects, 1U);
}

TEST_F(TradeStoreTest, AStatementThatNeverEndsInTimeIsRefusedAfterSomeTries) {
  const std::string alter =
      "ALTER DATABASE " + std::string(Query("SELECT current_database()").Text(0, 0));
  Query(
      "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM pg_sleep(5); RETURN NEW; END'");
  Query("CREATE TRIGGER dawdle BEFORE INSERT ON trade FOR EACH ROW EXECUTE FUNCTION dawdle()");
  Query(alter + " SET statement_timeout = '100ms'");
  PostgresTradeStore store(url_);
  for (int tries = 1; tries < PostgresTradeStore::kMostTimeouts; ++tries) {
    const common::Result<Receipt> away = store.Write(BatchOf(1, 0, 10));
    ASSERT_FALSE(away.has_value());
    EXPECT_EQ(away.error().kind, common::ErrorKind::kTransient) << tries;
  }
  const common::Result<Receipt> refused = store.Write(BatchOf(1, 0, 10));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, common::ErrorKind::kRejected);
}

TEST_F(TradeStoreTest, ACompletedWalletIsDoneInItsRun) {
  PostgresTradeStore store(url_);
  Write(store, BatchOf(1, 50, 60));
  EXPECT_EQ(Sync(1, "status"), 1);
  EXPECT_EQ(Sync(1, "done_run"), 0);
  Write(store, Completed(BatchOf(1, 0, 50), 1'700'000'500));
  EXPECT_EQ(Sync(1, "status"), 2);
  EXPECT_EQ(Sync(1, "done_run"), 1);
  EXPECT_EQ(Sync(1, "complete_to"), 1'700'000'500);
  EXPECT_EQ(QueryInt("SELECT octet_length(position) FROM wallet_cursor"), 0);
}

TEST_F(TradeStoreTest, AFailureIsNotedOnceAndLeavesTheCursor) {
  PostgresTradeStore store(url_);
  Write(store, BatchOf(1, 0, 10));
  Batch failed = EmptyBatch();
  failed.wallets.push_back({.wallet = common::WalletId{1},
                            .cursor = {},
                            .state = WalletState::kFailed,
                            .error = "503 \xFF" + std::string(1, '\0') + "thirty times",
                            .processed = 0,
                            .last_trade_ts = 0,
                            .duration_ms = 7,
                            .takes_over = false});
  Write(store, failed);
  Write(store, failed);
  EXPECT_EQ(Sync(1, "status"), 3);
  EXPECT_EQ(Sync(1, "error_count"), 1);
  EXPECT_EQ(Sync(1, "duration_ms"), 12);
  EXPECT_EQ(Sync(1, "done_run"), 0);
  EXPECT_EQ(Query("SELECT last_error FROM wallet_sync").Text(0, 0), "503 ??thirty times");
  EXPECT_EQ(Query("SELECT convert_from(position, 'UTF8') FROM wallet_cursor").Text(0, 0), "at 0");
}

TEST_F(TradeStoreTest, AnOlderLeaseDoesNotMoveACursorBack) {
  PostgresTradeStore store(url_);
  Lease(common::ChunkId{2}, common::Epoch{20});
  Batch newer = Completed(BatchOf(1, 0, 20), 2'000);
  newer.chunk = common::ChunkId{2};
  newer.epoch = common::Epoch{20};
  newer.run = common::RunId{2};
  Write(store, newer);
  EXPECT_EQ(Write(store, BatchOf(1, 10, 30)).stored, 10U);
  EXPECT_EQ(Sync(1, "trades_stored"), 30);
  EXPECT_EQ(Sync(1, "status"), 2);
  EXPECT_EQ(Sync(1, "complete_to"), 2'000);
  EXPECT_EQ(QueryInt("SELECT epoch FROM wallet_cursor"), 20);
}

TEST_F(TradeStoreTest, PeriodsOfTwoSourcesAreJoinedToOneProof) {
  PostgresTradeStore store(url_);
  Batch archive = Completed(BatchOf(1, 0, 10), 1'700'000'009);
  for (TradeRow& row : archive.rows) row.trade.source = common::Source::kSubgraph;
  archive.wallets[0].cursor->source = common::Source::kSubgraph;
  Write(store, archive);
  EXPECT_EQ(Sync(1, "complete_to"), 1'700'000'009);
  Batch live = BatchOf(1, 15, 20);
  live.wallets[0].cursor->owned_from = 1'700'000'010;
  live.wallets[0].takes_over = true;
  Write(store, live);
  EXPECT_EQ(Sync(1, "complete_to"), 1'700'000'009);
  Batch rest = Completed(BatchOf(1, 10, 15), 1'700'000'900);
  rest.wallets[0].cursor->owned_from = 1'700'000'010;
  Write(store, rest);
  EXPECT_EQ(Sync(1, "complete_to"), 1'700'000'900);
  EXPECT_EQ(Sync(1, "trades_stored"), 20);
}

TEST_F(TradeStoreTest, TakingOverDeletesTheOtherSourcesRowsOnce) {
  PostgresTradeStore store(url_);
  Batch archive = Completed(BatchOf(1, 0, 10), 1'700'000'009);
  for (TradeRow& row : archive.rows) row.trade.source = common::Source::kSubgraph;
  archive.wallets[0].cursor->source = common::Source::kSubgraph;
  Write(store, archive);
  Batch taker = BatchOf(1, 6, 12);
  taker.wallets[0].cursor->owned_from = 1'700'000'005;
  taker.wallets[0].takes_over = true;
  Write(store, taker);
  Write(store, taker);
  EXPECT_EQ(Trades(), 5 + 6);
  EXPECT_EQ(Sync(1, "trades_stored"), 11);
  EXPECT_EQ(Sync(1, "volume"), 11'000'000);
  EXPECT_EQ(Sync(1, "complete_to"), 1'700'000'004);
  // Nobody counts it as told before its own walk has proven what is gone.
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 1 AND skipped"),
            1'700'000'009);
}

TEST_F(TradeStoreTest, AWalkThatCameToNothingTakesOverNoTrades) {
  PostgresTradeStore store(url_);
  Batch archive = BatchOf(1, 0, 10);
  for (TradeRow& row : archive.rows) row.trade.source = common::Source::kSubgraph;
  archive.wallets[0].cursor =
      common::Cursor{common::Source::kSubgraph, 1, 1'700'000'004, "half way"};
  Write(store, archive);
  Batch taker = Nothing(1, 1'700'000'005, 1'800'000'000);
  taker.wallets[0].takes_over = true;
  Add(taker, 2, 0, 3);
  for (int times = 0; times < 2; ++times) {
    EXPECT_THAT(Write(store, taker).contradicted, testing::ElementsAre(common::WalletId{1}));
    EXPECT_EQ(Trades(), 10 + 3);
    EXPECT_EQ(Sync(1, "status"), 3);
    EXPECT_EQ(Sync(1, "error_count"), 1);
    EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_cursor WHERE wallet_id = 1"), 1);
  }
  EXPECT_EQ(Query("SELECT last_error FROM wallet_sync WHERE wallet_id = 1").Text(0, 0),
            kContradiction);
}

TEST_F(TradeStoreTest, AWalkThatCameToNothingIsContradictedByTradesOfItsTimeAlone) {
  PostgresTradeStore store(url_);
  Write(store, BatchOf(1, 0, 10));
  EXPECT_EQ(Write(store, Nothing(1, 1'700'000'009, 1'700'000'500)).contradicted.size(), 1U);
  EXPECT_TRUE(Write(store, Nothing(1, 1'600'000'000, 1'699'999'999)).contradicted.empty());
  // As one that traded before the new exchange only, and goes on from there.
  Batch taker = Nothing(1, 1'700'000'010, 1'700'000'900);
  taker.wallets[0].takes_over = true;
  EXPECT_TRUE(Write(store, taker).contradicted.empty());
  EXPECT_EQ(Trades(), 10);
  EXPECT_EQ(Sync(1, "status"), 2);
}

TEST_F(TradeStoreTest, TakingOverFromTheStartLeavesNoOldProof) {
  PostgresTradeStore store(url_);
  Batch archive = Completed(BatchOf(1, 0, 10), 1'700'000'009);
  for (TradeRow& row : archive.rows) row.trade.source = common::Source::kSubgraph;
  archive.wallets[0].cursor->source = common::Source::kSubgraph;
  Write(store, archive);
  Batch taker = BatchOf(1, 6, 12);
  taker.wallets[0].takes_over = true;
  Write(store, taker);
  EXPECT_EQ(Trades(), 6);
  EXPECT_EQ(Sync(1, "complete_to"), 0);
}

TEST_F(TradeStoreTest, ACommitInDoubtIsRepeatedWithoutEffect) {
  PostgresTradeStore store(url_);
  ASSERT_TRUE(common::ArmFailpoints("store_after_commit@1=error").has_value());
  const Batch batch = BatchOf(1, 0, 10);
  EXPECT_FALSE(store.Write(batch).has_value());
  ASSERT_TRUE(common::ArmFailpoints("").has_value());
  EXPECT_EQ(Write(store, batch).stored, 0U);
  EXPECT_EQ(Sync(1, "trades_stored"), 10);
  EXPECT_EQ(Sync(1, "trades_processed"), 10);
}

TEST_F(TradeStoreTest, ABackendKilledBeforeTheCommitLeavesNothing) {
  PostgresTradeStore store(url_);
  Write(store, BatchOf(1, 0, 10));
  ASSERT_TRUE(common::ArmFailpoints("store_before_commit@1=error").has_value());
  EXPECT_FALSE(store.Write(BatchOf(1, 10, 20)).has_value());
  ASSERT_TRUE(common::ArmFailpoints("").has_value());
  EXPECT_EQ(Trades(), 10);
  Query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  const common::Result<Receipt> lost = store.Write(BatchOf(1, 10, 20));
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().kind, common::ErrorKind::kTransient);
  EXPECT_EQ(Write(store, BatchOf(1, 10, 20)).stored, 10U);
  EXPECT_EQ(store.counts().connects, 2U);
}

// As when a network is cut: the worker has given its connection up, the server has not.
TEST_F(TradeStoreTest, AnEarlierConnectionThatTheServerStillHasIsInNobodysWay) {
  PostgresTradeStore store(url_);
  const Batch batch = BatchOf(1, 0, 10);
  Write(store, batch);
  Query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  common::PgConnection earlier = Connect();
  const std::string name = common::LeaseSessionName(batch.chunk, batch.epoch);
  ASSERT_TRUE(earlier
                  .ExecScript("BEGIN; SET LOCAL application_name = '" + name +
                              "'; SELECT 1 FROM wallet_cursor FOR UPDATE")
                  .has_value());
  EXPECT_FALSE(store.Write(batch).has_value());
  EXPECT_EQ(Write(store, BatchOf(1, 0, 20)).stored, 10U);
  EXPECT_FALSE(earlier.Exec("COMMIT").has_value());
}

TEST_F(TradeStoreTest, NothingIsLostOrDoubledWhenPostgresIsKilledAgainAndAgain) {
  std::atomic<bool> is_over = false;
  std::atomic<int> refused = 0;
  constexpr int kBatches = 150;
  std::jthread writer([&] {
    PostgresTradeStore store(url_);
    for (int i = 0; i < kBatches;) {
      Batch batch = EmptyBatch();
      for (int wallet = 1; wallet <= 20; ++wallet) Add(batch, wallet, 20 * i, 20 * i + 20);
      if (store.Write(batch).has_value()) {
        ++i;
      } else {
        ++refused;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
    is_over = true;
  });
  int kills = 0;
  const auto wait_for_rows = [&](std::int64_t rows) {
    while (!is_over && Trades() < rows) std::this_thread::yield();
  };
  for (int i = 1; i <= 3; ++i) {
    wait_for_rows(i * 10'000);
    if (is_over) break;
    server_->Kill9();
    ++kills;
    ASSERT_TRUE(server_->Restart().has_value());
  }
  writer.join();
  EXPECT_GT(kills, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(Trades(), 20 * 20 * kBatches);
  EXPECT_EQ(QueryInt("SELECT sum(trades_stored) FROM wallet_sync"), Trades());
  EXPECT_EQ(QueryInt("SELECT sum(trades_processed) FROM wallet_sync"), Trades());
}

}  // namespace
}  // namespace worker::store
