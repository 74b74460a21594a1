// Who may come, who replaces whom, and how one leaves.
#include "tests/coordinator/scheduler_fixture.h"

namespace coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(SchedulerTest, AnUnknownSessionIsToldToSayHello) {
  Begin();
  session_["x"] = 4711;
  Credit("x", 1);
  ASSERT_NE(Last("x", proto::Envelope::kReject), nullptr);
  EXPECT_EQ(Last("x", proto::Envelope::kReject)->reject().reason(), proto::Reject::UNKNOWN_SESSION);
}

TEST_F(SchedulerTest, ANewProcessTakesOverAtOnceAndIsOfferedItsOldWorkFirst) {
  Begin(40);
  const auto assign = Working("a", "w-1", '1');
  Join("a2", "w-1", '2');
  Credit("a2", 2);
  ASSERT_NE(Last("a", proto::Envelope::kFenced), nullptr);
  EXPECT_EQ(Last("a", proto::Envelope::kFenced)->fenced().chunk(), 0);
  Pass(milliseconds(200));
  Credit("a2", 3);
  bool offered = false;
  for (const auto& one : Assigned("a2")) offered = offered || one.chunk() == assign.chunk();
  EXPECT_TRUE(offered);
}

TEST_F(SchedulerTest, ATakeoverTakesBackWhatIsNotEndingAlready) {
  Begin(400);
  Join("a", "w-1", '1');
  Credit("a", 4);
  const auto assigned = Assigned("a");
  ASSERT_EQ(assigned.size(), 4U);
  for (const auto& assign : assigned) Accept("a", assign);
  ledger_up_ = false;
  for (const std::size_t ending : {0U, 2U}) Finish("a", assigned[ending]);
  Join("b", "w-1", '2');
  EXPECT_TRUE(scheduler_.leases().OfSession({session_["a"]}).empty());
  LedgerIsBack();
  PassBeating(seconds(1), {"b"});
  Credit("b", 40);  // all there is
  PassBeating(seconds(1), {"b"});
  std::set<std::int64_t> offered;
  for (const auto& assign : Assigned("b")) offered.insert(assign.chunk());
  for (const std::size_t i : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(offered.contains(assigned[i].chunk()), i == 1 || i == 3) << i;
  }
}

TEST_F(SchedulerTest, AnOrderGoesWithItsProcessToItsNextSession) {
  Begin();
  Join("a", "w-1", '1');
  Perform(scheduler_.OrderDrain({"w-1"}, proto::GRACEFUL, now_).first);
  ASSERT_NE(Last("a", proto::Envelope::kDrain), nullptr);
  Join("b", "w-1", '1');
  Credit("b", 1);
  PassBeating(seconds(12), {"b"});
  EXPECT_NE(Last("b", proto::Envelope::kDrain), nullptr);
  EXPECT_TRUE(Assigned("b").empty());
}

TEST_F(SchedulerTest, AReplacedProcessIsRefused) {
  Begin();
  Join("a", "w-1", '1');
  Join("b", "w-1", '2');
  Say("c", Hello("w-1", '1'));
  ASSERT_NE(Last("c", proto::Envelope::kReject), nullptr);
  EXPECT_EQ(Last("c", proto::Envelope::kReject)->reject().reason(), proto::Reject::DUPLICATE);
}

TEST_F(SchedulerTest, MoreThanThreeTakeoversInAMinuteAreRefused) {
  Begin();
  for (char i = '1'; i <= '4'; ++i) Join(std::string(1, i), "w-1", i);
  Say("5", Hello("w-1", '5'));
  ASSERT_NE(Last("5", proto::Envelope::kReject), nullptr);
  EXPECT_EQ(Last("5", proto::Envelope::kReject)->reject().reason(), proto::Reject::DUPLICATE);
  Beat("4");
  Pass(seconds(10));
  PassBeating(seconds(55), {"4"});
  Join("6", "w-1", '6');
}

TEST_F(SchedulerTest, RestartsAreNoTakeovers) {
  Begin();
  for (char i = '1'; i <= '8'; ++i) {
    Join(std::string(1, i), "w-1", i);
    gone_.insert(std::string(1, i));
    Pass(milliseconds(100));
  }
}

TEST_F(SchedulerTest, ByeGivesTheWorkToOthersAtOnce) {
  Begin(8);
  const auto assign = Working("a", "w-1", '1');
  Join("b", "w-2", '2');
  Credit("b", 1);
  proto::Envelope bye;
  bye.mutable_bye()->set_session(session_["a"]);
  Say("a", bye);
  PassBeating(seconds(3), {"b"});
  EXPECT_FALSE(Assigned("b").empty());
}

TEST_F(SchedulerTest, ADrainingWorkerGetsNothingMore) {
  Begin();
  Join("a", "w-1", '1');
  proto::Envelope draining;
  draining.mutable_draining()->set_session(session_["a"]);
  Say("a", draining);
  Credit("a", 2);
  Pass(seconds(1));
  EXPECT_TRUE(Assigned("a").empty());
}

TEST_F(SchedulerTest, AnOrderToDrainIsSaidUntilItIsObeyed) {
  Begin();
  Join("a", "w-1", '1');
  const auto ordered = scheduler_.OrderDrain({"w-1"}, proto::QUICK, now_);
  EXPECT_TRUE(ordered.second);
  Perform(ordered.first);
  sent_.clear();
  Pass(seconds(2));
  ASSERT_NE(Last("a", proto::Envelope::kDrain), nullptr);
  EXPECT_EQ(Last("a", proto::Envelope::kDrain)->drain().mode(), proto::QUICK);
  EXPECT_FALSE(scheduler_.OrderDrain({"nobody"}, proto::QUICK, now_).second);
}

TEST_F(SchedulerTest, WhileTheDatabaseIsAwayHeartbeatsGoOn) {
  Begin();
  Working("a", "w-1", '1');
  ledger_up_ = false;
  Perform(scheduler_.LoseTerm(false, now_));
  sent_.clear();
  PassBeating(seconds(20), {"a"});
  EXPECT_NE(Last("a", proto::Envelope::kBeatAck), nullptr);
  ledger_up_ = true;
  Perform(scheduler_.HoldTerm(ledger_->HoldTerm({}).value(), now_));
  EXPECT_EQ(scheduler_.leases().size(), 1U);
  EXPECT_EQ(Last("a", proto::Envelope::kFenced), nullptr);
}

TEST_F(SchedulerTest, AKeyThatIsAnothersIsRefused) {
  Begin();
  Say("a", Hello("w-1", '1'), common::WorkerId{"w-2"});
  ASSERT_NE(Last("a", proto::Envelope::kReject), nullptr);
  EXPECT_EQ(Last("a", proto::Envelope::kReject)->reject().reason(), proto::Reject::NOT_AUTHORISED);
}

TEST_F(SchedulerTest, AWorkerOfAnotherVersionIsRefused) {
  Begin();
  proto::Envelope hello = Hello("w-1", '1');
  hello.mutable_hello()->set_protocol_min(99);
  hello.mutable_hello()->set_protocol_max(100);
  Say("a", hello);
  EXPECT_EQ(Last("a", proto::Envelope::kReject)->reject().reason(), proto::Reject::VERSION);
}

TEST_F(SchedulerTest, AWorkerThatHasSeenANewerCoordinatorIsNotTaken) {
  Begin();
  proto::Envelope hello = Hello("w-1", '1');
  hello.mutable_hello()->set_highest_term(1'000'000);
  Say("a", hello);
  EXPECT_EQ(Last("a", proto::Envelope::kReject)->reject().reason(), proto::Reject::STALE_TERM);
}

TEST_F(SchedulerTest, NonsenseIsCountedAndDropped) {
  Begin();
  Join("a", "w-1", '1');
  proto::Envelope message;
  Say("a", message);
  message.mutable_welcome()->set_session(session_["a"]);
  Say("a", message);
  proto::Envelope release;
  release.mutable_release()->set_session(session_["a"]);
  release.mutable_release()->set_chunk(-5);
  Say("a", release);
  EXPECT_GE(scheduler_.counters().malformed, 2U);
  EXPECT_GE(scheduler_.counters().stale, 1U);
}

TEST_F(SchedulerTest, TotalsThatNoProcessReachesAreNotBelieved) {
  Begin();
  Working("a", "w-1", '1');
  const auto beat = [this](std::uint64_t total) {
    proto::Envelope message;
    message.mutable_beat()->set_session(session_["a"]);
    message.mutable_beat()->set_trades(total);
    Say("a", message);
  };
  for (const std::uint64_t total : {0ULL, 5ULL, ~0ULL, 7ULL, ~0ULL / 2, 8ULL, 10ULL}) beat(total);
  ASSERT_TRUE(scheduler_.status(now_).run);
  EXPECT_EQ(scheduler_.status(now_).run->row.trades, 7);
}

}  // namespace
}  // namespace coordinator
