// The main job with nothing going wrong, by each source and by both in turn.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/e2e/fleet.h"
#include "tests/support/pgbouncer.h"

namespace e2e {
namespace {

class SyncTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  }

  void StartAll(const WorldSize& world, int workers) {
    fleet_->StartSimulator(world);
    fleet_->StartCoordinator();
    for (int i = 1; i <= workers; ++i) fleet_->StartWorker("worker-" + std::to_string(i));
  }

  std::unique_ptr<Fleet> fleet_;
};

TEST_F(SyncTest, DataApiTellsBothErasInFull) {
  StartAll({}, 2);
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  fleet_->ExpectOracle();
  EXPECT_EQ(
      fleet_->Value("SELECT count(*) FROM wallet_sync_metadata WHERE sync_status <> 'completed' "
                    "OR complete_to IS NULL"),
      "0");
}

// Every process goes through the pooler, whose transactions run in any of a few sessions.
TEST_F(SyncTest, AWholeFleetWorksBehindPgBouncer) {
  auto bouncer = tests::PgBouncer::Start(*tests::PostgresServer::Shared());
  if (!bouncer) GTEST_SKIP() << bouncer.error().message;
  const std::string direct = fleet_->database_url();
  fleet_->UseDatabaseUrl((*bouncer)->Url(fleet_->Value("SELECT current_database()")));
  fleet_->StartSimulator({}, {"--latency-ms", "60"});
  fleet_->StartCoordinator();
  for (const char* worker : {"worker-1", "worker-2"}) fleet_->StartWorker(worker);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(1000));
  fleet_->worker("worker-1").Kill9();
  fleet_->StartWorker("worker-1");
  fleet_->coordinator().Kill9();
  fleet_->StartCoordinator();
  fleet_->ExpectOutcome(run, "complete");
  fleet_->UseDatabaseUrl(direct);
  fleet_->ExpectOracle();
}

TEST_F(SyncTest, SubgraphTellsTheV1EraWithFeesAndRoles) {
  StartAll({}, 2);
  fleet_->ExpectOutcome(fleet_->StartRun("subgraph"), "complete");
  fleet_->ExpectOracle("subgraph");
}

TEST_F(SyncTest, SubgraphThenAutoStoresNothingTwice) {
  StartAll({}, 2);
  fleet_->ExpectOutcome(fleet_->StartRun("subgraph"), "complete");
  fleet_->ExpectOutcome(fleet_->StartRun("auto"), "complete");
  fleet_->ExpectOracle();
  EXPECT_NE(fleet_->Value("SELECT count(*) FROM trades_raw WHERE source = 'subgraph'"), "0");
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM trades_raw WHERE source = 'subgraph' "
                          "AND traded_at > to_timestamp(1777374040)"),
            "0");
}

TEST_F(SyncTest, AnInterruptedSubgraphWalkIsTakenOverWithoutLossOrRepeat) {
  fleet_->StartSimulator({}, {"--latency-ms", "60"});
  fleet_->StartCoordinator();
  fleet_->StartWorker("worker-1", {}, {"--in-flight", "4"});
  const int run = fleet_->StartRun("subgraph");
  ASSERT_TRUE(fleet_->AwaitTrades(2000));
  fleet_->Post("/api/admin/cancel", {{"run", run}});
  fleet_->ExpectOutcome(run, "cancelled");
  fleet_->ExpectOutcome(fleet_->StartRun("auto"), "complete");
  fleet_->ExpectOracle();
}

TEST_F(SyncTest, ASecondSyncAddsNothing) {
  StartAll({}, 2);
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  const long long stored = fleet_->StoredTrades();
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  EXPECT_EQ(fleet_->StoredTrades(), stored);
  EXPECT_EQ(fleet_->Value("SELECT sum(total_trades_synced) FROM wallet_sync_metadata"),
            std::to_string(stored));
}

TEST_F(SyncTest, EveryKnownTokenIsResolvedToItsMarketAndCategory) {
  StartAll({}, 2);
  fleet_->ExpectOutcome(fleet_->StartRun("subgraph"), "complete");
  EXPECT_TRUE(Eventually(kRunDeadline, [&] {
    return fleet_->Value(
               "SELECT count(*) * 20 < (SELECT count(*) FROM token) FROM token "
               "WHERE resolve_state = 0") == "t";
  }));
  EXPECT_NE(fleet_->Value("SELECT count(*) FROM trades_raw WHERE category IS NOT NULL"), "0");
}

// Real fills and Gamma pages, replayed by the simulator in the upstreams' words.
TEST_F(SyncTest, RecordedFillsAreSyncedAndResolved) {
  const char* shared = std::getenv("SEINE_SHARED_DATA");
  const std::string recordings = shared != nullptr ? shared : SEINE_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(recordings)) GTEST_SKIP() << "no recordings in " << recordings;
  StartAll({.wallets = 1, .fills = 1, .seed = "1", .more = {"--recorded", recordings}}, 2);
  // The recordings end before the archive does, so no wallet may be called complete by them.
  fleet_->ExpectOutcome(fleet_->StartRun("subgraph"), "incomplete");
  fleet_->ExpectOracle("subgraph");
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  fleet_->ExpectOracle();
}

}  // namespace
}  // namespace e2e
