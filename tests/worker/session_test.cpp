#include "worker/session.h"

#include <chrono>

#include <gtest/gtest.h>

namespace worker {
namespace {

using common::ChunkId;
using common::Duration;
using common::Epoch;
using common::Instant;
using common::WalletId;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A coordinator's pencil: what a test sends, and what it finds in the answers.
class SessionTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kSession = 41;

  void Advance(Duration by) {
    const Instant until = now_ + by;
    while (session_.NextAt() <= until) {
      now_ = std::max(now_, session_.NextAt());
      Keep(session_.Tick(now_, {}));
    }
    now_ = until;
  }
  void Keep(SessionActions actions) {
    for (auto& action : actions) actions_.push_back(std::move(action));
  }
  void Tell(const proto::Envelope& message) { Keep(session_.Receive(message, now_)); }

  void Welcome(std::int64_t term = 1, std::uint64_t session = kSession,
               const std::vector<Lease>& kept = {}) {
    proto::Envelope message;
    auto& welcome = *message.mutable_welcome();
    welcome.set_session(session);
    welcome.set_term(term);
    welcome.set_heartbeat_ms(1000);
    welcome.set_lease_ms(15000);
    for (const Lease& lease : kept) {
      auto& ref = *welcome.add_kept();
      ref.set_chunk(lease.chunk.value);
      ref.set_epoch(lease.epoch.value);
    }
    Tell(message);
  }
  void Assign(std::int64_t chunk, std::int64_t epoch, std::uint64_t session = kSession,
              std::int64_t term = 1) {
    proto::Envelope message;
    auto& assign = *message.mutable_assign();
    assign.set_session(session);
    assign.set_term(term);
    assign.set_chunk(chunk);
    assign.set_epoch(epoch);
    assign.set_run(9);
    assign.set_kind("trades");
    assign.set_source("auto");
    auto& wallet = *assign.add_wallets();
    wallet.set_wallet_id(5);
    wallet.set_address(std::string(20, 'a'));
    Tell(message);
  }
  void Recall(std::int64_t chunk, std::int64_t epoch) {
    proto::Envelope message;
    auto& recall = *message.mutable_recall();
    recall.set_session(kSession);
    recall.set_chunk(chunk);
    recall.set_epoch(epoch);
    Tell(message);
  }
  void Fenced(std::int64_t chunk, std::int64_t epoch) {
    proto::Envelope message;
    auto& fenced = *message.mutable_fenced();
    fenced.set_session(kSession);
    fenced.set_chunk(chunk);
    fenced.set_epoch(epoch);
    Tell(message);
  }
  void DoneAck(std::int64_t chunk, std::int64_t epoch) {
    proto::Envelope message;
    auto& ack = *message.mutable_done_ack();
    ack.set_session(kSession);
    ack.set_chunk(chunk);
    ack.set_epoch(epoch);
    Tell(message);
  }
  void Reject(proto::Reject::Reason reason) {
    proto::Envelope message;
    message.mutable_reject()->set_reason(reason);
    Tell(message);
  }
  void Establish() {
    Keep(session_.Start(now_));
    Welcome();
    actions_.clear();
  }
  // As the worker does when its chunk has been asked to give back what is not begun.
  void Release(const Lease& lease, std::vector<WalletId> wallets, bool whole) {
    Keep(session_.Released(lease, wallets, whole, proto::Release::DRAIN, now_));
  }

  std::vector<proto::Envelope> Sent(proto::Envelope::BodyCase kind) const {
    std::vector<proto::Envelope> sent;
    for (const auto& action : actions_) {
      const auto* send = std::get_if<SendMessage>(&action);
      if (send != nullptr && send->message.body_case() == kind) sent.push_back(send->message);
    }
    return sent;
  }
  template <typename Action>
  std::vector<Action> Asked() const {
    std::vector<Action> asked;
    for (const auto& action : actions_) {
      if (const auto* found = std::get_if<Action>(&action)) asked.push_back(*found);
    }
    return asked;
  }
  // Credit is said with every BEAT.
  std::uint64_t LastCredit() {
    Advance(seconds(1));
    const auto sent = Sent(proto::Envelope::kCredit);
    return sent.empty() ? 0 : sent.back().credit().chunks();
  }

  static Lease Of(std::int64_t chunk, std::int64_t epoch) { return {ChunkId{chunk}, Epoch{epoch}}; }

  Instant now_{seconds(1000)};
  Session session_{
      {common::WorkerId{"w-1"}, std::string(16, 'i'), "host", 1, "dir", "0"}, common::Term{1}, 7};
  SessionActions actions_;
};

TEST_F(SessionTest, SaysHelloEverySecondUntilAnswered) {
  Keep(session_.Start(now_));
  Advance(milliseconds(3500));
  EXPECT_EQ(Sent(proto::Envelope::kHello).size(), 4U);
  Welcome();
  actions_.clear();
  Advance(milliseconds(2500));
  EXPECT_TRUE(Sent(proto::Envelope::kHello).empty());
}

TEST_F(SessionTest, WelcomeOpensCreditForTwoChunks) {
  Keep(session_.Start(now_));
  Welcome();
  EXPECT_EQ(LastCredit(), 2U);
  EXPECT_EQ(Asked<SetRates>().size(), 1U);
}

TEST_F(SessionTest, CreditIsCumulative) {
  Establish();
  Assign(1, 10);
  Assign(2, 11);
  Keep(session_.Finished(Of(1, 10), {}, 0, now_));
  EXPECT_EQ(LastCredit(), 3U);
}

TEST_F(SessionTest, RepeatedAssignStartsOnceAndIsAcceptedAgain) {
  Establish();
  Assign(1, 10);
  Assign(1, 10);
  EXPECT_EQ(Asked<StartChunk>().size(), 1U);
  EXPECT_EQ(Sent(proto::Envelope::kAccept).size(), 2U);
  EXPECT_EQ(LastCredit(), 2U) << "a repeated ASSIGN must not use credit twice";
}

TEST_F(SessionTest, StartedChunkCarriesWhatAssignSaid) {
  Establish();
  Assign(1, 10);
  const ChunkTask task = Asked<StartChunk>().at(0).task;
  EXPECT_EQ(task.lease, Of(1, 10));
  EXPECT_EQ(task.run.value, 9);
  EXPECT_EQ(task.wallets.at(0).id, WalletId{5});
}

TEST_F(SessionTest, OlderEpochOfAHeldChunkIsDropped) {
  Establish();
  Assign(1, 10);
  Assign(1, 9);
  EXPECT_EQ(Asked<StartChunk>().size(), 1U);
  EXPECT_EQ(session_.stale(), 1U);
}

TEST_F(SessionTest, NewerEpochReplacesTheOlderLease) {
  Establish();
  Assign(1, 10);
  Assign(1, 12);
  EXPECT_EQ(Asked<AbandonChunk>().at(0).lease, Of(1, 10));
  EXPECT_EQ(session_.leases(), std::vector<Lease>{Of(1, 12)});
}

TEST_F(SessionTest, ForeignSessionAndOldTermAreStale) {
  Establish();
  Assign(1, 10, kSession + 1);
  Assign(1, 10, kSession, 0);
  EXPECT_TRUE(Asked<StartChunk>().empty());
  EXPECT_EQ(session_.stale(), 2U);
}

TEST_F(SessionTest, HigherTermIsKeptBeforeAnythingElse) {
  Keep(session_.Start(now_));
  actions_.clear();
  Welcome(5);
  ASSERT_NE(std::get_if<KeepTerm>(&actions_.at(0)), nullptr);
  EXPECT_EQ(session_.term(), common::Term{5});
}

TEST_F(SessionTest, LowerTermIsNotFollowed) {
  Keep(session_.Start(now_));
  Welcome(0);
  EXPECT_FALSE(session_.established());
}

TEST_F(SessionTest, BeatsEveryHeartbeatAndNamesEveryLease) {
  Establish();
  Assign(1, 10);
  actions_.clear();
  Advance(milliseconds(2100));
  const auto beats = Sent(proto::Envelope::kBeat);
  ASSERT_EQ(beats.size(), 3U);
  EXPECT_EQ(beats.at(2).beat().sequence(), 3U);
  EXPECT_EQ(beats.at(2).beat().leases(0).chunk(), 1);
}

TEST_F(SessionTest, SilenceOpensANewSocketAndKeepsTheLeases) {
  Establish();
  Assign(1, 10);
  Advance(seconds(11));
  EXPECT_GE(Asked<OpenSocket>().size(), 1U);
  EXPECT_EQ(session_.leases().size(), 1U);
  const auto hello = Sent(proto::Envelope::kHello).back().hello();
  EXPECT_EQ(hello.held(0).epoch(), 10);
}

TEST_F(SessionTest, BackOffStaysBelowFiveSeconds) {
  Keep(session_.Start(now_));
  Advance(seconds(120));
  EXPECT_GE(Asked<OpenSocket>().size(), 12U);
  EXPECT_EQ(session_.reconnects(), Asked<OpenSocket>().size());
}

TEST_F(SessionTest, WelcomeDropsWhatIsNotKept) {
  Establish();
  Assign(1, 10);
  Assign(2, 11);
  Keep(session_.Disconnected(now_));
  Welcome(2, kSession + 1, {Of(2, 11)});
  EXPECT_EQ(Asked<AbandonChunk>().at(0).lease, Of(1, 10));
  EXPECT_EQ(session_.leases(), std::vector<Lease>{Of(2, 11)});
  EXPECT_EQ(LastCredit(), 1U) << "a kept lease uses one of the two places";
}

TEST_F(SessionTest, DroppedLeaseMayBeGrantedAgainUnderItsNumber) {
  Establish();
  Assign(1, 10);
  Keep(session_.Disconnected(now_));
  Welcome(1, kSession + 1);
  Assign(1, 10, kSession + 1);
  EXPECT_EQ(Asked<StartChunk>().size(), 2U);
}

TEST_F(SessionTest, UnknownSessionIsGreetedAtOnce) {
  Establish();
  Reject(proto::Reject::UNKNOWN_SESSION);
  Reject(proto::Reject::UNKNOWN_SESSION);
  EXPECT_EQ(Sent(proto::Envelope::kHello).size(), 1U);
}

TEST_F(SessionTest, FinishedIsSaidUntilAcknowledged) {
  Establish();
  Assign(1, 10);
  Keep(session_.Finished(Of(1, 10), {{WalletId{5}, WalletOutcome::Kind::kFailed, "why"}}, 3, now_));
  Welcome();  // keeps the coordinator heard
  Advance(milliseconds(4100));
  const auto sent = Sent(proto::Envelope::kFinished);
  EXPECT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent.at(0).finished().outcomes(0).reason(), "why");
  DoneAck(1, 10);
  EXPECT_TRUE(session_.leases().empty());
}

TEST_F(SessionTest, FinishedSurvivesANewCoordinator) {
  Establish();
  Assign(1, 10);
  Keep(session_.Finished(Of(1, 10), {}, 3, now_));
  Keep(session_.Disconnected(now_));
  actions_.clear();
  Welcome(2, kSession + 1, {Of(1, 10)});
  ASSERT_EQ(Sent(proto::Envelope::kFinished).size(), 1U);
  EXPECT_EQ(Sent(proto::Envelope::kFinished).at(0).finished().session(), kSession + 1);
}

TEST_F(SessionTest, LateAssignOfAFinishedChunkDoesNothing) {
  Establish();
  Assign(1, 10);
  Keep(session_.Finished(Of(1, 10), {}, 3, now_));
  DoneAck(1, 10);
  actions_.clear();
  Assign(1, 10);
  EXPECT_TRUE(actions_.empty());
}

TEST_F(SessionTest, RecallAsksForWhatIsNotBegunAndRepeatsIt) {
  Establish();
  Assign(1, 10);
  Recall(1, 10);
  EXPECT_EQ(Asked<GiveBack>().size(), 1U);
  Release(Of(1, 10), {WalletId{5}}, false);
  Recall(1, 10);
  Release(Of(1, 10), {}, false);
  const auto sent = Sent(proto::Envelope::kRelease);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent.at(1).release().wallets(0), 5);
}

TEST_F(SessionTest, NothingToGiveBackIsNotTheWholeChunk) {
  Establish();
  Assign(1, 10);
  Recall(1, 10);
  Release(Of(1, 10), {}, false);
  EXPECT_TRUE(Sent(proto::Envelope::kRelease).empty());
}

TEST_F(SessionTest, RecallOfAnUnknownLeaseIsAnswered) {
  Establish();
  Recall(1, 10);
  EXPECT_EQ(Sent(proto::Envelope::kRelease).size(), 1U);
  EXPECT_EQ(session_.leases().size(), 0U);
}

TEST_F(SessionTest, FencedChunkIsDroppedAndItsPlaceIsFree) {
  Establish();
  Assign(1, 10);
  Fenced(1, 11);
  EXPECT_EQ(Asked<AbandonChunk>().at(0).lease, Of(1, 10));
  EXPECT_EQ(LastCredit(), 3U);
}

TEST_F(SessionTest, FenceOfTheDatabaseIsReported) {
  Establish();
  Assign(1, 10);
  Keep(session_.FencedByStore(Of(1, 10), now_));
  EXPECT_EQ(Sent(proto::Envelope::kFenced).at(0).fenced().epoch(), 10);
  EXPECT_EQ(Asked<AbandonChunk>().size(), 1U);
}

TEST_F(SessionTest, FencedProcessEndsWith78) {
  Establish();
  Fenced(0, 0);
  EXPECT_EQ(Asked<Exit>().at(0).code, 78);
}

TEST_F(SessionTest, RefusalsEndWithTheirCodes) {
  const std::vector<std::pair<proto::Reject::Reason, int>> table = {
      {proto::Reject::NOT_AUTHORISED, 77},
      {proto::Reject::DUPLICATE, 78},
      {proto::Reject::VERSION, 1},
      {proto::Reject::RUN_MISMATCH, 1}};
  for (const auto& [reason, code] : table) {
    Session session({common::WorkerId{"w"}, std::string(16, 'i'), "", 1, "", ""}, {}, 1);
    session.Start(now_);
    proto::Envelope message;
    message.mutable_reject()->set_reason(reason);
    const auto actions = session.Receive(message, now_);
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_EQ(std::get<Exit>(actions.at(0)).code, code);
    EXPECT_FALSE(std::get<Exit>(actions.at(0)).reason.empty());
  }
}

TEST_F(SessionTest, RefusedKeyEndsWith77) {
  Keep(session_.Start(now_));
  Keep(session_.KeyRefused());
  EXPECT_EQ(Asked<Exit>().at(0).code, 77);
}

TEST_F(SessionTest, UnwillingWorkerOffersNoNewCredit) {
  Establish();
  Assign(1, 10);
  Keep(session_.SetWilling(false, now_));
  Keep(session_.Finished(Of(1, 10), {}, 0, now_));
  EXPECT_EQ(LastCredit(), 2U);
  Keep(session_.SetWilling(true, now_));
  EXPECT_EQ(LastCredit(), 3U);
}

TEST_F(SessionTest, StoredChunkTakesNoPlaceFromTheNext) {
  Establish();
  Assign(1, 10);
  Assign(2, 11);
  EXPECT_EQ(LastCredit(), 2U);
  Keep(session_.Stored(Of(1, 10)));
  EXPECT_EQ(LastCredit(), 3U);
  EXPECT_EQ(session_.leases().size(), 2U);
}

TEST_F(SessionTest, LeasesThatOnlyWaitAreBounded) {
  Establish();
  for (std::int64_t chunk = 1; chunk <= 20; ++chunk) {
    Welcome();  // keeps the coordinator heard
    if (static_cast<std::uint64_t>(chunk) > LastCredit()) break;
    Assign(chunk, 10 + chunk);
    Keep(session_.Stored(Of(chunk, 10 + chunk)));
  }
  EXPECT_EQ(session_.leases().size(), Session::kLeasesHeld);
}

TEST_F(SessionTest, HastenedBeatComesEarly) {
  Establish();
  Advance(milliseconds(10));
  actions_.clear();
  session_.HastenBeat();
  Advance(milliseconds(250));
  EXPECT_EQ(Sent(proto::Envelope::kBeat).size(), 1U);
}

TEST_F(SessionTest, DrainGivesBackFinishesThenSaysBye) {
  Establish();
  Assign(1, 10);
  Keep(session_.Drain(proto::GRACEFUL, {}, now_));
  EXPECT_EQ(Sent(proto::Envelope::kDraining).size(), 1U);
  EXPECT_EQ(Asked<GiveBack>().size(), 1U);
  Keep(session_.Finished(Of(1, 10), {}, 0, now_));
  EXPECT_TRUE(Asked<Exit>().empty()) << "BYE comes after the last DONE_ACK";
  DoneAck(1, 10);
  EXPECT_EQ(Sent(proto::Envelope::kBye).size(), 1U);
  EXPECT_EQ(Asked<Exit>().at(0).code, 0);
}

TEST_F(SessionTest, AssignWhileDrainingIsReleased) {
  Establish();
  Assign(1, 10);
  Keep(session_.Drain(proto::GRACEFUL, {}, now_));
  Assign(2, 11);
  const auto sent = Sent(proto::Envelope::kRelease);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.at(0).release().reason(), proto::Release::DRAIN);
  EXPECT_EQ(session_.leases().size(), 1U);
}

TEST_F(SessionTest, GracefulBecomesQuickThenEnds) {
  Establish();
  Assign(1, 10);
  Keep(session_.Drain(proto::GRACEFUL, {}, now_));
  Advance(seconds(26));
  EXPECT_EQ(Asked<StopChunk>().size(), 1U);
  Advance(seconds(4));
  EXPECT_EQ(Asked<Exit>().at(0).code, 0);
}

TEST_F(SessionTest, QuickDrainStopsAtOnce) {
  Establish();
  Assign(1, 10);
  Keep(session_.Drain(proto::QUICK, {}, now_));
  EXPECT_EQ(Asked<StopChunk>().size(), 1U);
  Release(Of(1, 10), {}, true);
  EXPECT_EQ(Asked<Exit>().at(0).code, 0);
}

TEST_F(SessionTest, IdleWorkerDrainsAtOnceEvenAlone) {
  Keep(session_.Start(now_));
  Keep(session_.Drain(proto::GRACEFUL, {}, now_));
  EXPECT_EQ(Asked<Exit>().at(0).code, 0);
}

TEST_F(SessionTest, DrainNowIsAsIfKilled) {
  Establish();
  proto::Envelope message;
  message.mutable_drain()->set_session(kSession);
  message.mutable_drain()->set_mode(proto::NOW);
  Tell(message);
  EXPECT_TRUE(Asked<Exit>().at(0).at_once);
}

TEST_F(SessionTest, NothingHappensAfterTheEnd) {
  Establish();
  Fenced(0, 0);
  actions_.clear();
  Assign(1, 10);
  Advance(seconds(30));
  EXPECT_TRUE(actions_.empty());
  EXPECT_EQ(session_.NextAt(), Instant::max());
}

}  // namespace
}  // namespace worker
