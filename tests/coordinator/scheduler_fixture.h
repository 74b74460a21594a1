// The scheduler with a ledger in memory that answers at once, and a test in place of the workers.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "coordinator/scheduler.h"
#include "tests/cluster/memory_ledger.h"

namespace coordinator {

class SchedulerTest : public ::testing::Test {
 protected:
  void Begin(int wallets = 40) {
    ledger_ = std::make_unique<tests::cluster::MemoryLedger>(
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
        if (!ledger_up_) {
          unanswered_.push_back(std::move(action));
          continue;
        }
        ledger_->set_now(now_);
        auto answer = ledger_->Perform(ask->term, ask->request);
        if (answer) Perform(scheduler_.Answer(ask->term, std::move(*answer), now_));
      }
    }
  }
  // What it was asked meanwhile is answered.
  void LedgerIsBack() {
    ledger_up_ = true;
    Perform(std::exchange(unanswered_, {}));
  }
  void Pass(common::Duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += std::chrono::milliseconds(50);
      Perform(scheduler_.Tick(now_));
    }
  }
  // Time passes, and these beat each second.
  void PassBeating(common::Duration time, const std::vector<std::string>& connections) {
    for (const auto end = now_ + time; now_ < end;) {
      Pass(std::chrono::milliseconds(500));
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
  // Gives the whole chunk back, unless wallets are added.
  proto::Envelope Release(const std::string& connection, const proto::Assign& assign) {
    proto::Envelope message;
    message.mutable_release()->set_session(session_[connection]);
    message.mutable_release()->set_chunk(assign.chunk());
    message.mutable_release()->set_epoch(assign.epoch());
    return message;
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
    Pass(std::chrono::seconds(3));
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
    Pass(std::chrono::seconds(4));
  }

  common::Instant now_{std::chrono::seconds(1000)};
  Scheduler scheduler_{{}, {{"data", 20}}};
  std::unique_ptr<tests::cluster::MemoryLedger> ledger_;
  bool ledger_up_ = true;
  Actions unanswered_;
  std::set<std::string> gone_;
  std::map<std::string, std::vector<proto::Envelope>> sent_;
  std::uint32_t paused_ms_ = 0;
  std::map<std::string, std::uint64_t> session_;
  std::map<std::string, std::vector<proto::Assign>> held_;
};

}  // namespace coordinator
