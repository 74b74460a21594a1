// From credit to DONE_ACK, and what living workers give back.
#include "tests/coordinator/scheduler_fixture.h"

namespace coordinator {
namespace {

using std::chrono::seconds;

TEST_F(SchedulerTest, CreditBecomesAssignAndFinishedBecomesDoneAck) {
  Begin();
  const auto assign = Working("a", "w-1", '1');
  EXPECT_EQ(assign.wallets_size(), 10);
  Finish("a", assign);
  const auto* const ack = Last("a", proto::Envelope::kDoneAck);
  ASSERT_NE(ack, nullptr);
  EXPECT_EQ(ack->done_ack().epoch(), assign.epoch());
}

TEST_F(SchedulerTest, NoMoreThanTheCreditIsGiven) {
  Begin();
  Join("a", "w-1", '1');
  Credit("a", 2);
  EXPECT_EQ(Assigned("a").size(), 2U);
  Credit("a", 2);
  Credit("a", 1);
  EXPECT_EQ(Assigned("a").size(), 2U);
  Credit("a", 3);
  EXPECT_EQ(Assigned("a").size(), 3U);
}

TEST_F(SchedulerTest, AnAssignThatIsNotAcceptedIsSaidAgain) {
  Begin();
  Join("a", "w-1", '1');
  Credit("a", 1);
  PassBeating(seconds(5), {"a"});
  const auto all = Assigned("a");
  ASSERT_GE(all.size(), 2U);
  EXPECT_EQ(all[0].epoch(), all[1].epoch());
}

TEST_F(SchedulerTest, NothingIsGrantedBeforeTheLedgerHasIt) {
  Begin();
  ledger_up_ = false;
  Join("a", "w-1", '1');
  Credit("a", 1);
  Pass(seconds(1));
  EXPECT_TRUE(Assigned("a").empty());
}

TEST_F(SchedulerTest, AFinishedThatIsRepeatedIsAcknowledgedAgain) {
  Begin();
  const auto assign = Working("a", "w-1", '1');
  Finish("a", assign);
  sent_.clear();
  SayFinished("a", assign);
  EXPECT_NE(Last("a", proto::Envelope::kDoneAck), nullptr);
}

TEST_F(SchedulerTest, AFinishedOfAnotherEpochIsFenced) {
  Begin();
  auto assign = Working("a", "w-1", '1');
  assign.set_epoch(assign.epoch() + 77);
  SayFinished("a", assign);
  ASSERT_NE(Last("a", proto::Envelope::kFenced), nullptr);
  EXPECT_EQ(Last("a", proto::Envelope::kFenced)->fenced().chunk(), assign.chunk());
}

TEST_F(SchedulerTest, ReleasedWalletsGoToWhoIdles) {
  Begin(10);
  const auto assign = Working("a", "w-1", '1');
  Join("b", "w-2", '2');
  Credit("b", 2);
  PassBeating(seconds(2), {"a", "b"});
  ASSERT_NE(Last("a", proto::Envelope::kRecall), nullptr);
  proto::Envelope release = Release("a", assign);
  const int half = assign.wallets_size() / 2;
  for (int i = half; i < assign.wallets_size(); ++i) {
    release.mutable_release()->add_wallets(assign.wallets(i).wallet_id());
  }
  Say("a", release);
  Say("a", release);
  ASSERT_EQ(Assigned("b").size(), 1U);
  EXPECT_EQ(Assigned("b")[0].wallets_size(), assign.wallets_size() - half);
}

TEST_F(SchedulerTest, AWholeChunkThatIsGivenBackGoesToWhoIdlesAndNotBackToItsHolder) {
  Begin(10);
  const auto assign = Working("a", "w-1", '1');
  Credit("a", 3);
  Join("b", "w-2", '2');
  Credit("b", 2);
  PassBeating(seconds(2), {"a", "b"});
  ASSERT_NE(Last("a", proto::Envelope::kRecall), nullptr);
  Say("a", Release("a", assign));
  Pass(seconds(1));
  EXPECT_EQ(Assigned("a").size(), 1U);
  EXPECT_EQ(Assigned("b").size(), 1U);
}

TEST_F(SchedulerTest, BeatsWithoutProgressEndInRecallAndThenInRevocation) {
  Begin(10);
  const auto assign = Working("a", "w-1", '1');
  PassBeating(seconds(119), {"a"});
  EXPECT_EQ(Last("a", proto::Envelope::kRecall), nullptr);
  PassBeating(seconds(4), {"a"});
  EXPECT_NE(Last("a", proto::Envelope::kRecall), nullptr);
  PassBeating(seconds(12), {"a"});
  ASSERT_NE(Last("a", proto::Envelope::kFenced), nullptr);
  EXPECT_EQ(scheduler_.leases().size(), 0U);
}

TEST_F(SchedulerTest, AWorkerThatWaitsForAPausedHostIsNotStalled) {
  Begin(10);
  Working("a", "w-1", '1');
  paused_ms_ = 290'000;
  PassBeating(seconds(290), {"a"});
  EXPECT_EQ(Last("a", proto::Envelope::kRecall), nullptr);
  paused_ms_ = 0;
  PassBeating(seconds(119), {"a"});
  EXPECT_EQ(Last("a", proto::Envelope::kRecall), nullptr);
  PassBeating(seconds(4), {"a"});
  EXPECT_NE(Last("a", proto::Envelope::kRecall), nullptr);
}

TEST_F(SchedulerTest, AChangeWhileTheLedgerIsBeingReadIsReadToo) {
  Begin();
  const auto count = [](const Actions& actions) {
    int loads = 0;
    for (const Action& action : actions) {
      const auto* const ask = std::get_if<LedgerAction>(&action);
      if (ask != nullptr && std::holds_alternative<LoadRequest>(ask->request)) ++loads;
    }
    return loads;
  };
  EXPECT_EQ(count(scheduler_.Resync(now_)), 1);
  EXPECT_EQ(count(scheduler_.Resync(now_)), 0);
  const auto term = scheduler_.status(now_).term;
  auto loaded = ledger_->Perform(term, LoadRequest{}).value();
  EXPECT_EQ(count(scheduler_.Answer(term, std::move(loaded), now_)), 1);
}

TEST_F(SchedulerTest, TheRunEndsWhenEveryChunkIsDone) {
  Begin(35);
  Join("a", "w-1", '1');
  for (std::uint64_t credit = 1; credit < 20 && !ledger_->finished(); ++credit) {
    Credit("a", credit);
    const auto all = Assigned("a");
    sent_["a"].clear();
    for (const auto& assign : all) {
      Accept("a", assign);
      Finish("a", assign);
    }
  }
  EXPECT_TRUE(ledger_->finished());
  EXPECT_FALSE(scheduler_.status(now_).run.has_value());
  EXPECT_TRUE(scheduler_.idle());
}

}  // namespace
}  // namespace coordinator
