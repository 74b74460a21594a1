// Processes die at the worst moments (F1 to F5, F11 to F13); nothing is lost, nothing doubled.
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/e2e/proofs.h"
#include "tests/e2e/proxy.h"

namespace e2e {
namespace {

constexpr Seconds kSoon{60};  // what happens within seconds on a machine that is not busy

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

  // By the database's word, so also when everything else is dead.
  bool HasWorkLeft(int run) {
    return fleet_->Value("SELECT state FROM run WHERE run_id = " + std::to_string(run)) ==
               "running" &&
           Chunks("state <> 'done'") > 0;
  }
  int Chunks(const std::string& where) {
    const std::string count = fleet_->Value("SELECT count(*) FROM chunk WHERE " + where);
    return count.empty() ? -1 : std::stoi(count);
  }
  bool AwaitLog(const std::string& worker, const std::string& text) {
    return Eventually(kSoon, [&] { return fleet_->Log(worker).find(text) != std::string::npos; });
  }
  // What it tells of itself may be a moment old: for so long it has none.
  long long TermNow() {
    long long term = 0;
    EXPECT_TRUE(Eventually(kSoon, [&] { return (term = fleet_->Metric("seine_term")) > 0; }));
    return term;
  }
  bool AwaitTerm(long long term) {
    return Eventually(kSoon, [&] { return fleet_->Metric("seine_term") == term; });
  }
  // The next rows come in, and there are more to come.
  void AwaitMoreTrades(int run, long long more = 300) {
    ASSERT_TRUE(fleet_->AwaitTrades(fleet_->StoredTrades() + more));
    ASSERT_TRUE(HasWorkLeft(run));
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
  StartSlowly(2, {"--latency-ms", "250"});
  const int run = fleet_->StartRun();
  long long term = TermNow();
  for (int times = 0; times < 3; ++times) {
    AwaitMoreTrades(run);
    fleet_->coordinator().Kill9();
    fleet_->HoldUpstream();
    ASSERT_TRUE(HasWorkLeft(run));
    fleet_->StartCoordinator();
    EXPECT_TRUE(AwaitTerm(++term));
    fleet_->ReleaseUpstream();
  }
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

// One worker goes on without it, the other one dies unseen.
TEST_F(KillTest, TheCoordinatorStaysAwayLongerThanALease) {
  constexpr Seconds kLonger{5};
  StartSlowly(2, {"--latency-ms", "150"});
  const int run = fleet_->StartRun();
  const long long term = TermNow();
  const std::string lost = "owner = 'worker-2' AND state = 'leased'";
  ASSERT_TRUE(Eventually(kSoon, [&] { return Chunks(lost) > 0; }));
  AwaitMoreTrades(run);
  fleet_->coordinator().Kill9();
  const auto died = std::chrono::steady_clock::now();
  AwaitMoreTrades(run, 1);  // nobody needs it for that
  fleet_->HoldUpstream();
  fleet_->worker("worker-2").Kill9();
  EXPECT_GT(Chunks(lost), 0);
  EXPECT_TRUE(Eventually(kSoon, [&] { return std::chrono::steady_clock::now() - died > kLonger; }));
  EXPECT_GT(Chunks(lost), 0);
  EXPECT_TRUE(HasWorkLeft(run));
  fleet_->StartCoordinator();
  EXPECT_TRUE(AwaitTerm(term + 1));
  EXPECT_TRUE(Eventually(kSoon, [&] { return Chunks(lost) == 0; }));
  EXPECT_TRUE(Eventually(kSoon, [&] { return fleet_->Metric("seine_reclaims_total") > 0; }));
  fleet_->ReleaseUpstream();
  ExpectCompleteAndEqual(run);
  ExpectCounted(*fleet_);
}

TEST_F(KillTest, EverythingIsKilledAtOnceAgainAndAgain) {
  tests::PostgresServer& postgres = *tests::PostgresServer::Shared();
  StartSlowly(2, {"--latency-ms", "250"});
  const int run = fleet_->StartRun();
  for (int times = 0; times < 3; ++times) {
    ASSERT_TRUE(fleet_->AwaitTrades(fleet_->StoredTrades() + 300));
    fleet_->coordinator().Signal(SIGKILL);
    for (const char* worker : {"worker-1", "worker-2"}) fleet_->worker(worker).Signal(SIGKILL);
    postgres.Kill9();
    fleet_->coordinator().Kill9();
    for (const char* worker : {"worker-1", "worker-2"}) fleet_->worker(worker).Kill9();
    const common::Status restarted = postgres.Restart();
    ASSERT_TRUE(restarted) << restarted.error().message;
    ASSERT_TRUE(HasWorkLeft(run)) << "killed when all was done";
    fleet_->StartCoordinator();
    for (int i = 1; i <= 2; ++i) StartWorker(i);
  }
  ExpectCompleteAndEqual(run);
  ExpectCounted(*fleet_);
}

// A stopped worker is a zombie. It wakes up with rows in hand that nobody else has stored, hears
// nothing of the end of its lease, and writes while another has work to do: the database alone can
// refuse it.
TEST_F(KillTest, AZombieWritesNothingAfterItsLeaseMovedOn) {
  StartSlowly(0);
  NoteWhoStores(*fleet_);
  Proxy proxy(fleet_->ListenAddress());
  const std::string fired = fleet_->directory() + "/fired";
  fleet_->StartWorker("worker-1", {{"SEINE_FAILPOINTS", "before_commit@3=stop?once=" + fired}},
                      {"--in-flight", "4", "--connect", proxy.Address()});
  const int run = fleet_->StartRun();
  ASSERT_TRUE(Eventually(kSoon, [&] { return std::filesystem::exists(fired); }));
  fleet_->HoldUpstream();
  proxy.Partition();
  fleet_->Value(
      "CREATE TABLE old_lease AS SELECT chunk_id, epoch, format('seine chunk %s epoch %s', "
      "chunk_id, epoch) AS name FROM chunk WHERE state = 'leased'");
  const std::string still_good =
      "SELECT count(*) FROM old_lease JOIN chunk USING (chunk_id, epoch) WHERE state = 'leased'";
  EXPECT_NE(fleet_->Value(still_good), "0");
  StartWorker(2);
  ASSERT_TRUE(Eventually(kSoon, [&] { return fleet_->Value(still_good) == "0"; }));
  const std::string of_other = "state = 'leased' AND owner = 'worker-2'";
  ASSERT_TRUE(Eventually(kSoon, [&] { return Chunks(of_other) > 0; }));
  const std::string by_zombie = "who IN (SELECT name FROM old_lease)";
  const int before = NotedStores(*fleet_, by_zombie);
  const long long rows_before = fleet_->StoredTrades();
  EXPECT_GT(NotedStores(*fleet_, "is_good"), 0) << "nothing is noted";

  fleet_->worker("worker-1").Signal(SIGCONT);
  EXPECT_TRUE(AwaitLog("worker-1", " fenced chunk=")) << "it tried to write nothing";
  EXPECT_EQ(NotedStores(*fleet_, by_zombie), before);
  EXPECT_EQ(fleet_->StoredTrades(), rows_before);
  EXPECT_GT(Chunks(of_other), 0) << "the work was over when the zombie woke up";

  proxy.Heal();
  fleet_->ReleaseUpstream();
  EXPECT_TRUE(fleet_->AwaitWorkers(2));
  ExpectCompleteAndEqual(run);
  EXPECT_EQ(NotedStores(*fleet_, by_zombie), before);
  EXPECT_EQ(NotedStores(*fleet_, "NOT is_good"), 0);
  EXPECT_GT(NotedStores(*fleet_, "is_good"), before);
}

// Frozen with the chunk's row locked: in the middle of a COPY, and between the rows and the COMMIT.
class FrozenTest : public KillTest, public testing::WithParamInterface<const char*> {};

TEST_P(FrozenTest, AWorkerFrozenInsideItsTransactionHoldsNobodyUp) {
  StartSlowly(0);
  NoteWhoStores(*fleet_);
  const std::string fired = fleet_->directory() + "/fired";
  StartWorker(1, {{"SEINE_FAILPOINTS", std::string(GetParam()) + "@2=stop?once=" + fired}});
  StartWorker(2);
  const int run = fleet_->StartRun();
  fleet_->ExpectOutcome(run, "complete");
  EXPECT_TRUE(std::filesystem::exists(fired));
  const int noted = NotedStores(*fleet_, "true");
  fleet_->worker("worker-1").Signal(SIGCONT);
  // Its transaction is gone with its session, and the database answers when it tries once more.
  EXPECT_TRUE(AwaitLog("worker-1", " database_away ")) << "its session was not ended";
  EXPECT_TRUE(AwaitLog("worker-1", " database_back"));
  EXPECT_EQ(NotedStores(*fleet_, "true"), noted);
  EXPECT_EQ(NotedStores(*fleet_, "NOT is_good"), 0);
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
  fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared(), Timings::kProduction);
  StartSlowly(1, {"--latency-ms", "250"});
  const int run = fleet_->StartRun();
  AwaitMoreTrades(run);
  for (int i = 2; i <= 8; ++i) StartWorker(i);
  ASSERT_TRUE(fleet_->AwaitWorkers(8));
  const std::string of_who_goes = "state = 'leased' AND owner > 'worker-2'";
  ASSERT_TRUE(Eventually(kSoon, [&] { return Chunks(of_who_goes) > 0; }));
  AwaitMoreTrades(run);
  fleet_->HoldUpstream();
  EXPECT_GT(Chunks(of_who_goes), 0);
  for (int i = 3; i <= 8; ++i) fleet_->worker("worker-" + std::to_string(i)).Signal(SIGTERM);
  for (int i = 3; i <= 8; ++i) {
    EXPECT_TRUE(AwaitLog("worker-" + std::to_string(i), "mode=graceful")) << "worker-" << i;
  }
  EXPECT_TRUE(HasWorkLeft(run));
  fleet_->ReleaseUpstream();
  for (int i = 3; i <= 8; ++i) {
    EXPECT_EQ(fleet_->worker("worker-" + std::to_string(i)).Wait(kSoon), 0) << "worker-" << i;
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
