// Clocks jump by an hour, forward and back, on any machine (F23).
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/e2e/proofs.h"
#include "tests/e2e/wall_clock.h"

namespace e2e {
namespace {

constexpr std::int64_t kHour = 3600;
const WorldSize kWorld = {.wallets = 80, .fills = 10000, .seed = "7", .more = {}};

class ClockTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
  }
  void Start(tests::PostgresServer& postgres, const Environment& coordinator,
             const Environment& worker) {
    fleet_ = std::make_unique<Fleet>(postgres, Timings::kProduction);
    fleet_->StartSimulator(kWorld, {"--latency-ms", "150"});
    fleet_->StartCoordinator({}, coordinator);
    fleet_->StartWorker("worker-1", worker, {"--in-flight", "2"});
  }
  // The run goes on between the jumps.
  void ExpectThatJumpsDoNothing() {
    const int run = fleet_->StartRun();
    for (const std::int64_t seconds : {kHour, -kHour, kHour}) {
      ASSERT_TRUE(fleet_->AwaitTrades(fleet_->StoredTrades() + 500));
      clock_.SetOff(seconds);
    }
    fleet_->ExpectOutcome(run, "complete");
    EXPECT_GT(clock_.reads(), 0);
    fleet_->ExpectOracle();
    EXPECT_EQ(ExpectHonest(*fleet_), kWorld.wallets);
    EXPECT_EQ(fleet_->Metric("seine_deaths_total"), 0);
    EXPECT_EQ(fleet_->Metric("seine_reclaims_total"), 0);
  }

  WallClock clock_;
  std::unique_ptr<tests::PostgresServer> server_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(ClockTest, AWorkersJumpsCostNoLease) {
  Start(*tests::PostgresServer::Shared(), {}, clock_.Environment());
  ExpectThatJumpsDoNothing();
}

TEST_F(ClockTest, ACoordinatorsJumpsCostNoLease) {
  Start(*tests::PostgresServer::Shared(), clock_.Environment(), {});
  ExpectThatJumpsDoNothing();
}

// The coordinator's term is over by this clock, and taken again.
TEST_F(ClockTest, TheDatabasesJumpsCostNoLease) {
  for (const auto& [name, value] : clock_.Environment()) setenv(name.c_str(), value.c_str(), 1);
  auto server = tests::PostgresServer::Start();
  for (const auto& [name, value] : clock_.Environment()) unsetenv(name.c_str());
  ASSERT_TRUE(server.has_value()) << server.error().message;
  server_ = std::move(*server);
  Start(*server_, {}, {});
  ExpectThatJumpsDoNothing();
}

}  // namespace
}  // namespace e2e
