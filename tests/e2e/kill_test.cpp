// Processes die at the worst moments (F1 to F5, F11 to F13); nothing is lost, nothing doubled.
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/e2e/fleet.h"

namespace e2e {
namespace {

class KillTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  }

  // Slow enough that a kill falls into the middle of the work.
  void StartSlowly(int workers, const Arguments& simulator = {"--latency-ms", "80"}) {
    fleet_->StartSimulator(world_, simulator);
    fleet_->StartCoordinator();
    for (int i = 1; i <= workers; ++i) StartWorker(i);
  }

  void StartWorker(int number, const Environment& environment = {}) {
    fleet_->StartWorker("worker-" + std::to_string(number), environment, {"--in-flight", "4"});
  }

  void ExpectCompleteAndEqual(int run) {
    fleet_->ExpectOutcome(run, "complete");
    fleet_->ExpectOracle();
  }

  WorldSize world_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(KillTest, RandomWorkersAreKilledThroughout) {
  StartSlowly(3, {"--latency-ms", "400"});
  const int run = fleet_->StartRun();
  common::Random random(42);
  int kills = 0;
  while (!fleet_->AwaitFinished(run, Seconds{3})) {
    const int victim = static_cast<int>(random.Below(3)) + 1;
    fleet_->worker("worker-" + std::to_string(victim)).Kill9();
    StartWorker(victim);
    ++kills;
  }
  EXPECT_GE(kills, 2);
  ExpectCompleteAndEqual(run);
}

TEST_F(KillTest, TheCoordinatorIsKilledAndComesBack) {
  StartSlowly(2);
  const int run = fleet_->StartRun();
  for (const long long trades : {1000LL, 6000LL, 12000LL}) {
    fleet_->AwaitTrades(trades, Seconds{20});
    fleet_->coordinator().Kill9();
    fleet_->StartCoordinator();
  }
  EXPECT_GE(std::stoi(fleet_->Value("SELECT term FROM coordinator_lease")), 4);
  ExpectCompleteAndEqual(run);
}

TEST_F(KillTest, WorkersGoOnCommittingWithoutACoordinator) {
  StartSlowly(2);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(500));
  fleet_->coordinator().Kill9();
  const long long at_death = fleet_->StoredTrades();
  EXPECT_TRUE(fleet_->AwaitTrades(at_death + 1, Seconds{20}));
  fleet_->StartCoordinator();
  ExpectCompleteAndEqual(run);
}

TEST_F(KillTest, EverythingIsKilledAtOnceAgainAndAgain) {
  StartSlowly(2);
  const int run = fleet_->StartRun();
  for (const long long trades : {1000LL, 5000LL, 10000LL}) {
    fleet_->AwaitTrades(trades, Seconds{20});
    fleet_->coordinator().Signal(SIGKILL);
    for (int i = 1; i <= 2; ++i) fleet_->worker("worker-" + std::to_string(i)).Kill9();
    fleet_->coordinator().Kill9();
    fleet_->StartCoordinator();
    for (int i = 1; i <= 2; ++i) StartWorker(i);
  }
  ExpectCompleteAndEqual(run);
}

// A stopped worker is a zombie: its lease goes to another, and what it still sends is fenced.
TEST_F(KillTest, AZombieWritesNothingAfterItsLeaseMovedOn) {
  StartSlowly(2);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(500));
  Process& zombie = fleet_->worker("worker-1");
  zombie.Signal(SIGSTOP);
  fleet_->ExpectOutcome(run, "complete");
  zombie.Signal(SIGCONT);
  EXPECT_TRUE(Eventually(Seconds{30}, [&] {
    const Json status = fleet_->Get("/api/status");
    return status.is_object() &&
           status["counters"].value("stale", 0) + status["counters"].value("fenced", 0) > 0;
  }));
  fleet_->ExpectOracle();
}

// Frozen with the chunk's row locked: in the middle of a COPY, and between the rows and the COMMIT.
class FrozenTest : public KillTest, public testing::WithParamInterface<const char*> {};

TEST_P(FrozenTest, AWorkerFrozenInsideItsTransactionHoldsNobodyUp) {
  StartSlowly(0);
  const std::string fired = fleet_->directory() + "/fired";
  StartWorker(1, {{"SEINE_FAILPOINTS", std::string(GetParam()) + "@2=stop?once=" + fired}});
  StartWorker(2);
  const int run = fleet_->StartRun();
  fleet_->ExpectOutcome(run, "complete");
  EXPECT_TRUE(std::filesystem::exists(fired));
  fleet_->worker("worker-1").Signal(SIGCONT);
  fleet_->ExpectOracle();
}

INSTANTIATE_TEST_SUITE_P(Places, FrozenTest,
                         testing::Values("store_after_fence", "store_before_commit"));

TEST_F(KillTest, TheSameIdTwiceOnOneHostIsRefused) {
  StartSlowly(1);
  ASSERT_TRUE(Eventually(Seconds{30}, [&] {
    const Json workers = fleet_->Get("/api/workers");
    return workers.is_object() && !workers["workers"].empty();
  }));
  Process twin(
      {std::string(SEINE_BIN_DIR) + "/seine-worker", "--connect", fleet_->ListenAddress(), "--id",
       "worker-1", "--state-dir", fleet_->StateDirectory(), "--database", fleet_->database_url()},
      {}, fleet_->directory() + "/twin.log");
  EXPECT_EQ(twin.Wait(Seconds{30}), 78);
  EXPECT_TRUE(fleet_->worker("worker-1").Running());
}

// From another host there is no common lock: the newest process wins, the older one is fenced.
TEST_F(KillTest, TheSameIdFromAnotherHostFencesTheOlderProcess) {
  StartSlowly(1);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  fleet_->StartWorker("twin", {},
                      {"--id", "worker-1", "--state-dir", fleet_->directory() + "/elsewhere"});
  EXPECT_EQ(fleet_->worker("worker-1").Wait(Seconds{30}), 78);
  ExpectCompleteAndEqual(run);
}

// F12: the same id is back at once, with its state directory and without; another's is refused.
TEST_F(KillTest, AStateDirectoryIsItsOwnersAndMayBeDeleted) {
  StartSlowly(1);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(500));
  fleet_->worker("worker-1").Kill9();
  StartWorker(1);
  ASSERT_TRUE(fleet_->AwaitTrades(2500));
  fleet_->worker("worker-1").Kill9();
  namespace fs = std::filesystem;
  fs::create_directories(fleet_->WorkerDirectory("worker-2"));
  fs::copy_file(fleet_->WorkerDirectory("worker-1") + "/checkpoint.log",
                fleet_->WorkerDirectory("worker-2") + "/checkpoint.log");
  EXPECT_GT(fs::remove_all(fleet_->WorkerDirectory("worker-1")), 1U);
  StartWorker(1);
  StartWorker(2);
  EXPECT_EQ(fleet_->worker("worker-2").Wait(Seconds{30}), 78) << fleet_->Log("worker-2");
  ExpectCompleteAndEqual(run);
}

TEST_F(KillTest, TheFleetGrowsAndShrinksUnderLoad) {
  StartSlowly(1, {"--latency-ms", "250"});
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  for (int i = 2; i <= 8; ++i) StartWorker(i);
  ASSERT_TRUE(fleet_->AwaitWorkers(8));
  ASSERT_TRUE(fleet_->AwaitTrades(5000));
  for (int i = 3; i <= 8; ++i) fleet_->worker("worker-" + std::to_string(i)).Signal(SIGTERM);
  for (int i = 3; i <= 8; ++i) {
    EXPECT_EQ(fleet_->worker("worker-" + std::to_string(i)).Wait(Seconds{60}), 0) << "worker-" << i;
  }
  ExpectCompleteAndEqual(run);
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_blame"), "0")
      << "drained workers cost an attempt";
}

// F16: all that is left is in one worker's hands when another comes.
TEST_F(KillTest, WhatIsNotBegunGoesToWhoIdles) {
  StartSlowly(1, {"--latency-ms", "250"});
  const int run = fleet_->StartRun();
  ASSERT_TRUE(Eventually(Seconds{60}, [&] {
    return fleet_->Value(
               "SELECT string_agg(DISTINCT state, ',') FROM chunk WHERE state <> 'done'") ==
           "leased";
  }));
  fleet_->HoldUpstream();
  StartWorker(2);
  EXPECT_TRUE(Eventually(Seconds{60}, [&] { return fleet_->Metric("seine_recalls_total") > 0; }));
  fleet_->ReleaseUpstream();
  ExpectCompleteAndEqual(run);
  EXPECT_GT(fleet_->Metric("seine_worker_trades_total{worker=\"worker-2\"}"), 0);
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_blame"), "0");
}

// Between each pair of steps (F2, F3): the process kills itself there once, and is started again.
class FailpointTest : public KillTest, public testing::WithParamInterface<const char*> {
 protected:
  Environment DieOnceAt(const std::string& name, int count) {
    marker_ = fleet_->directory() + "/fired";
    return {{"SEINE_FAILPOINTS", name + "@" + std::to_string(count) + "=kill?once=" + marker_}};
  }
  bool Fired() const { return std::filesystem::exists(marker_); }

  std::string marker_;
};

using WorkerFailpointTest = FailpointTest;
TEST_P(WorkerFailpointTest, TheWorkerDiesThereAndNothingIsLostOrDoubled) {
  fleet_->StartSimulator(world_);
  fleet_->StartCoordinator();
  const Environment environment = DieOnceAt(GetParam(), 2);
  StartWorker(1, environment);
  const int run = fleet_->StartRun();
  EXPECT_EQ(fleet_->worker("worker-1").Wait(Seconds{120}), 128 + SIGKILL);
  EXPECT_TRUE(Fired());
  StartWorker(1, environment);
  ExpectCompleteAndEqual(run);
}
INSTANTIATE_TEST_SUITE_P(Each, WorkerFailpointTest,
                         testing::Values("after_assign", "before_commit", "after_commit",
                                         "before_checkpoint_append", "after_checkpoint_append",
                                         "before_finished", "before_done_ack"));

using CoordinatorFailpointTest = FailpointTest;
TEST_P(CoordinatorFailpointTest, TheCoordinatorDiesThereAndNothingIsLostOrDoubled) {
  fleet_->StartSimulator(world_);
  const Environment environment = DieOnceAt(GetParam(), 1);
  fleet_->StartCoordinator({}, environment);
  StartWorker(1);
  const std::vector<std::string> wallets = fleet_->Wallets();
  (void)fleet_->AskForRun(wallets);  // it may die before it answers
  EXPECT_EQ(fleet_->coordinator().Wait(Seconds{120}), 128 + SIGKILL);
  EXPECT_TRUE(Fired());
  fleet_->StartCoordinator({}, environment);
  ExpectCompleteAndEqual(fleet_->StartRunOf(wallets));
}
INSTANTIATE_TEST_SUITE_P(Each, CoordinatorFailpointTest,
                         testing::Values("after_plan_commit", "after_grant_commit",
                                         "before_assign_send", "before_done_commit",
                                         "after_done_commit_before_ack"));

}  // namespace
}  // namespace e2e
