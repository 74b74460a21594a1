// Workers and coordinators that die: who takes over, and whose fault it was.
#include "tests/coordinator/scheduler_fixture.h"

namespace coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(SchedulerTest, AKilledWorkersChunkIsLeasedAgainAfterTheGrace) {
  Begin(8);
  const auto assign = Working("a", "w-1", '1');
  Join("b", "w-2", '2');
  Credit("b", 2);
  gone_.insert("a");
  PassBeating(seconds(4), {"b"});
  const auto all = Assigned("b");
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].chunk(), assign.chunk());
  EXPECT_GT(all[0].epoch(), assign.epoch());
}

TEST_F(SchedulerTest, ASilentWorkerKeepsItsLeaseForFifteenSeconds) {
  Begin(8);
  const auto assign = Working("a", "w-1", '1');
  Join("b", "w-2", '2');
  Credit("b", 2);
  PassBeating(seconds(14), {"b"});
  EXPECT_TRUE(Assigned("b").empty());
  PassBeating(seconds(3), {"b"});
  EXPECT_FALSE(Assigned("b").empty());
}

TEST_F(SchedulerTest, AWorkerThatComesBackInTimeKeepsItsLease) {
  Begin(8);
  const auto assign = Working("a", "w-1", '1');
  gone_.insert("a");
  Pass(seconds(1));
  proto::Envelope hello = Hello("w-1", '1');
  auto& held = *hello.mutable_hello()->add_held();
  held.set_chunk(assign.chunk());
  held.set_epoch(assign.epoch());
  Say("a2", hello);
  const auto* const welcome = Last("a2", proto::Envelope::kWelcome);
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->welcome().kept_size(), 1);
}

TEST_F(SchedulerTest, ARestartedCoordinatorAdoptsWhatIsStillHeld) {
  Begin(8);
  const auto assign = Working("a", "w-1", '1');
  Scheduler fresh{{}, {{"data", 20}}};
  std::swap(scheduler_, fresh);
  Perform(scheduler_.HoldTerm(ledger_->HoldTerm({}).value(), now_));
  Pass(seconds(5));
  proto::Envelope hello = Hello("w-1", '1');
  auto& held = *hello.mutable_hello()->add_held();
  held.set_chunk(assign.chunk());
  held.set_epoch(assign.epoch());
  Say("a2", hello);
  ASSERT_NE(Last("a2", proto::Envelope::kWelcome), nullptr);
  EXPECT_EQ(Last("a2", proto::Envelope::kWelcome)->welcome().kept_size(), 1);
}

TEST_F(SchedulerTest, AnInheritedLeaseThatNobodyClaimsIsTakenBackAfterTheAdoptionWindow) {
  Begin(8);
  Working("a", "w-1", '1');
  Scheduler fresh{{}, {{"data", 20}}};
  std::swap(scheduler_, fresh);
  Perform(scheduler_.HoldTerm(ledger_->HoldTerm({}).value(), now_));
  Join("b", "w-2", '2');
  Credit("b", 1);
  PassBeating(seconds(14), {"b"});
  EXPECT_TRUE(Assigned("b").empty());
  PassBeating(seconds(3), {"b"});
  EXPECT_FALSE(Assigned("b").empty());
}

TEST_F(SchedulerTest, ASuspectRunsAloneAndItsThirdLonelyDeathIsQuarantine) {
  Begin(6);
  for (int death = 0; death < 10 && scheduler_.counters().quarantined == 0; ++death) {
    DieOf(3, static_cast<char>('1' + death));
  }
  EXPECT_EQ(scheduler_.counters().quarantined, 1U);
  EXPECT_TRUE(ledger_->wallets()[3].quarantined);
  int others = 0;
  for (const auto& wallet : ledger_->wallets()) others += wallet.quarantined ? 1 : 0;
  EXPECT_EQ(others, 1);
}

// It cannot tell whether the deaths that it sees are the end of a storm.
TEST_F(SchedulerTest, WhoTookOverALeaseAccusesNobodyForAMinute) {
  Begin(6);
  Working("a", "w-1", '0');
  Scheduler fresh{{}, {{"data", 20}}};
  std::swap(scheduler_, fresh);
  const auto taken_over = now_;
  Perform(scheduler_.HoldTerm(ledger_->HoldTerm({}).value(), now_));
  char incarnation = '1';
  while (now_ - taken_over < seconds(50)) {
    DieOf(3, incarnation++);
    ASSERT_EQ(scheduler_.counters().quarantined, 0U) << incarnation;
  }
  EXPECT_GE(scheduler_.counters().deaths, 5U);
  while (scheduler_.counters().quarantined == 0 && incarnation < 'Z') DieOf(3, incarnation++);
  EXPECT_TRUE(ledger_->wallets()[3].quarantined);
}

// Whatever they work on, alone or beside others, all die together: nobody is guilty.
TEST_F(SchedulerTest, AStormAmongLonelyWalletsAccusesNobody) {
  Begin(8);
  char incarnation = '1';
  for (int death = 0; death < 8; ++death) {
    std::vector<std::string> connections;
    for (int worker = 0; worker < 4; ++worker, ++incarnation) {
      connections.emplace_back(1, incarnation);
      Join(connections.back(), "w-" + std::to_string(worker), incarnation);
      Credit(connections.back(), 4);
    }
    Pass(milliseconds(500));
    for (const auto& connection : connections) {
      for (const auto& assign : Assigned(connection)) Accept(connection, assign);
      Beat(connection, 0, 10);
    }
    gone_.insert(connections.begin(), connections.end());
    Pass(seconds(4));
  }
  EXPECT_GE(scheduler_.counters().deaths, 30U);
  EXPECT_EQ(scheduler_.counters().quarantined, 0U);
}

}  // namespace
}  // namespace coordinator
