#include "coordinator/scheduler.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/cluster/memory_ledger.h"

namespace coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::cluster::MemoryLedger;

// The scheduler with a ledger in memory that answers at once, and a test in place of the workers.
class SchedulerTest : public ::testing::Test {
 protected:
  void Begin(int wallets = 40) {
    ledger_ = std::make_unique<MemoryLedger>(
        std::vector<tests::cluster::Wallet>(static_cast<std::size_t>(wallets)));
    Perform(scheduler_.HoldTerm(ledger_->HoldTerm({}).value(), now_));
  }
  void Perform(Actions actions) {
    for (Action& action : actions) {
      if (auto* const send = std::get_if<SendAction>(&action)) {
        if (gone_.contains(send->connection.value)) {
          Perform(scheduler_.ConnectionGone(send->connection, now_));
        } else {
          sent_[send->connection.value].push_back(std::move(send->message));
        }
      } else if (auto* const ask = std::get_if<LedgerAction>(&action)) {
        if (!ledger_up_) continue;
        ledger_->set_now(now_);
        auto answer = ledger_->Perform(ask->term, ask->request);
        if (answer) Perform(scheduler_.Answer(ask->term, std::move(*answer), now_));
      }
    }
  }
  void Pass(common::Duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += milliseconds(50);
      Perform(scheduler_.Tick(now_));
    }
  }
  // Time passes, and these beat each second.
  void PassBeating(common::Duration time, const std::vector<std::string>& connections) {
    for (const auto end = now_ + time; now_ < end;) {
      Pass(milliseconds(500));
      for (const auto& connection : connections) Beat(connection);
    }
  }
  void Say(const std::string& connection, const proto::Envelope& message,
           std::optional<common::WorkerId> key = std::nullopt) {
    Perform(scheduler_.Receive({{connection}, std::move(key), message}, now_));
  }
  proto::Envelope Hello(const std::string& worker, char incarnation) {
    proto::Envelope message;
    proto::Hello& hello = *message.mutable_hello();
    hello.set_protocol_min(1);
    hello.set_protocol_max(1);
    hello.set_worker_id(worker);
    hello.set_incarnation(std::string(16, incarnation));
    return message;
  }
  // HELLO through this connection; returns the session.
  std::uint64_t Join(const std::string& connection, const std::string& worker, char incarnation) {
    Say(connection, Hello(worker, incarnation));
    const auto* const welcome = Last(connection, proto::Envelope::kWelcome);
    EXPECT_NE(welcome, nullptr);
    return session_[connection] = welcome == nullptr ? 0 : welcome->welcome().session();
  }
  void Credit(const std::string& connection, std::uint64_t chunks) {
    proto::Envelope message;
    message.mutable_credit()->set_session(session_[connection]);
    message.mutable_credit()->set_chunks(chunks);
    Say(connection, message);
  }
  void Accept(const std::string& connection, const proto::Assign& assign) {
    for (const auto& one : held_[connection]) {
      if (one.epoch() == assign.epoch()) return;
    }
    proto::Envelope message;
    message.mutable_accept()->set_session(session_[connection]);
    message.mutable_accept()->set_chunk(assign.chunk());
    message.mutable_accept()->set_epoch(assign.epoch());
    Say(connection, message);
    held_[connection].push_back(assign);
  }
  void Beat(const std::string& connection, std::uint64_t rows = 0, int in_flight = 0) {
    proto::Envelope message;
    proto::Beat& beat = *message.mutable_beat();
    beat.set_session(session_[connection]);
    for (const auto& assign : held_[connection]) {
      auto& lease = *beat.add_leases();
      lease.set_chunk(assign.chunk());
      lease.set_epoch(assign.epoch());
      lease.set_rows(rows);
      for (int i = 0; i < in_flight && i < assign.wallets_size(); ++i) {
        lease.add_in_flight(assign.wallets(i).wallet_id());
      }
    }
    if (paused_ms_ > 0) beat.add_endpoints()->set_paused_ms(paused_ms_);
    Say(connection, message);
  }
  void Finish(const std::string& connection, const proto::Assign& assign) {
    for (const auto& wallet : assign.wallets()) {
      ledger_->Write({assign.chunk()}, {assign.epoch()}, wallet.wallet_id(), 0, true);
    }
    SayFinished(connection, assign);
  }
  void SayFinished(const std::string& connection, const proto::Assign& assign) {
    proto::Envelope message;
    message.mutable_finished()->set_session(session_[connection]);
    message.mutable_finished()->set_chunk(assign.chunk());
    message.mutable_finished()->set_epoch(assign.epoch());
    Say(connection, message);
    std::erase_if(held_[connection],
                  [&](const auto& one) { return one.chunk() == assign.chunk(); });
  }
  // The newest message of this kind that was sent there, or null.
  const proto::Envelope* Last(const std::string& connection, proto::Envelope::BodyCase kind) {
    const auto& all = sent_[connection];
    for (auto message = all.rbegin(); message != all.rend(); ++message) {
      if (message->body_case() == kind) return &*message;
    }
    return nullptr;
  }
  std::vector<proto::Assign> Assigned(const std::string& connection) {
    std::vector<proto::Assign> all;
    for (const auto& message : sent_[connection]) {
      if (message.has_assign()) all.push_back(message.assign());
    }
    return all;
  }
  // A worker that has taken one chunk.
  proto::Assign Working(const std::string& connection, const std::string& worker,
                        char incarnation) {
    Join(connection, worker, incarnation);
    Credit(connection, 1);
    const auto all = Assigned(connection);
    EXPECT_EQ(all.size(), 1U);
    if (all.empty()) return {};
    Accept(connection, all[0]);
    return all[0];
  }

  // A worker finishes what it gets, but dies of this wallet.
  void DieOf(int poison, char incarnation) {
    const std::string connection(1, incarnation);
    Join(connection, "w-1", incarnation);
    Credit(connection, 2);
    Pass(seconds(3));
    for (const auto& assign : Assigned(connection)) {
      Accept(connection, assign);
      const bool deadly =
          std::any_of(assign.wallets().begin(), assign.wallets().end(),
                      [&](const auto& wallet) { return wallet.wallet_id() == poison; });
      if (!deadly) Finish(connection, assign);
    }
    // Innocents beside it finish; the poison dies in flight.
    for (const auto& assign : held_[connection]) {
      EXPECT_EQ(held_[connection].size(), 1U) << assign.chunk();
    }
    Beat(connection, 0, 10);
    gone_.insert(connection);
    Pass(seconds(4));
  }

  common::Instant now_{seconds(1000)};
  Scheduler scheduler_{{}, {{"data", 20}}};
  std::unique_ptr<MemoryLedger> ledger_;
  bool ledger_up_ = true;
  std::set<std::string> gone_;
  std::map<std::string, std::vector<proto::Envelope>> sent_;
  std::uint32_t paused_ms_ = 0;
  std::map<std::string, std::uint64_t> session_;
  std::map<std::string, std::vector<proto::Assign>> held_;
};

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

TEST_F(SchedulerTest, AnUnknownSessionIsToldToSayHello) {
  Begin();
  session_["x"] = 4711;
  Credit("x", 1);
  ASSERT_NE(Last("x", proto::Envelope::kReject), nullptr);
  EXPECT_EQ(Last("x", proto::Envelope::kReject)->reject().reason(), proto::Reject::UNKNOWN_SESSION);
}

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

TEST_F(SchedulerTest, ReleasedWalletsGoToWhoIdles) {
  Begin(10);
  const auto assign = Working("a", "w-1", '1');
  Join("b", "w-2", '2');
  Credit("b", 2);
  PassBeating(seconds(2), {"a", "b"});
  ASSERT_NE(Last("a", proto::Envelope::kRecall), nullptr);
  proto::Envelope release;
  release.mutable_release()->set_session(session_["a"]);
  release.mutable_release()->set_chunk(assign.chunk());
  release.mutable_release()->set_epoch(assign.epoch());
  const int half = assign.wallets_size() / 2;
  for (int i = half; i < assign.wallets_size(); ++i) {
    release.mutable_release()->add_wallets(assign.wallets(i).wallet_id());
  }
  Say("a", release);
  Say("a", release);
  ASSERT_EQ(Assigned("b").size(), 1U);
  EXPECT_EQ(Assigned("b")[0].wallets_size(), assign.wallets_size() - half);
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
