// The store through PgBouncer in transaction mode.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "common/migrate.h"
#include "tests/support/pgbouncer.h"
#include "tests/worker/store/store_fixture.h"

namespace worker::store {
namespace {

class PoolerTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    if (server_ == nullptr) return;
    auto started = tests::PgBouncer::Start(*server_);
    if (!started) GTEST_SKIP() << started.error().message;
    bouncer_ = std::move(*started);
    const std::string name = Query("SELECT current_database()").Text(0, 0).data();
    pooled_url_ = bouncer_->Url(name);
  }

  std::unique_ptr<tests::PgBouncer> bouncer_;
  std::string pooled_url_;
};

TEST_F(PoolerTest, MoreStoresThanSessionsStoreEverythingOnce) {
  constexpr int kStores = 6;  // the pool has 3
  constexpr int kRounds = 10;
  std::atomic<int> failures = 0;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kStores; ++writer) {
    Lease(common::ChunkId{writer + 1}, kEpoch);
    writers.emplace_back([&, writer] {
      PostgresTradeStore store(pooled_url_);
      for (int round = 0; round < kRounds; ++round) {
        Batch batch = BatchOf(writer + 1, 30 * round, 30 * round + 40);  // overlapping
        batch.chunk = common::ChunkId{writer + 1};
        for (int repeat = 0; repeat < 2; ++repeat) {
          if (!store.Write(batch).has_value()) ++failures;
        }
      }
    });
  }
  writers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Trades(), kStores * (30 * (kRounds - 1) + 40));
  EXPECT_EQ(QueryInt("SELECT sum(trades_stored) FROM wallet_sync"), Trades());
}

TEST_F(PoolerTest, AFencedBatchLeavesNoTransactionOpen) {
  PostgresTradeStore store(pooled_url_);
  Lease(kChunk, common::Epoch{11});
  EXPECT_TRUE(store.Write(BatchOf(1, 0, 5))->fenced);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in trans%'"), 0);
}

TEST_F(PoolerTest, MigrationsAndMarketsWork) {
  auto connection = common::PgConnection::Open(pooled_url_);
  ASSERT_TRUE(connection.has_value());
  const common::Status migrated = common::Migrate(*connection);
  EXPECT_TRUE(migrated.has_value()) << migrated.error().message;
  PostgresTradeStore store(pooled_url_);
  MarketInfo market;
  market.condition.bytes[0] = 1;
  market.tokens = {Row(1, 1).trade.token};
  EXPECT_TRUE(store.WriteMarkets({market}).has_value());
  EXPECT_TRUE(store.TakeDueTokens(10).has_value());
}

}  // namespace
}  // namespace worker::store
