// The cluster's coordinator: the real scheduler, and the ledger between outages.
#include <algorithm>
#include <utility>

#include "tests/cluster/cluster.h"
#include "tests/cluster/process.h"

namespace tests::cluster {

using common::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

coordinator::SchedulerTimings FastTimings() {
  coordinator::SchedulerTimings timings;
  timings.heartbeat = milliseconds(200);
  timings.suspect = milliseconds(600);
  timings.lease = seconds(3);
  timings.grace = milliseconds(400);
  timings.adoption = seconds(3);
  timings.stall = seconds(20);
  timings.assign_again = milliseconds(400);
  timings.recall_again = seconds(1);
  timings.storm = seconds(12);
  return timings;
}

}  // namespace

void Cluster::StartCoordinator() {
  const std::uint64_t life = coordinator_life_ = ++lives_;
  term_ = {};
  asked_.clear();
  scheduler_ = std::make_unique<coordinator::Scheduler>(
      FastTimings(), std::vector<coordinator::EndpointLimit>{{"data", kDataPerSecond}});
  TickCoordinator(life);
  KeepTerm(life);
}

void Cluster::CountScheduler() {
  if (!scheduler_) return;
  const auto& counters = scheduler_->counters();
  sometimes_.resends += counters.resends;
  sometimes_.adopted += counters.adopted;
  sometimes_.releases += counters.releases;
  sometimes_.recalls += counters.recalls;
  sometimes_.takeovers += counters.takeovers;
}

void Cluster::KillCoordinator() {
  ++sometimes_.coordinator_kills;
  coordinator_life_ = ++lives_;
  CountScheduler();
  scheduler_.reset();
  After(Millis(0, 4000), [this] { StartCoordinator(); });
}

void Cluster::TickCoordinator(std::uint64_t life) {
  if (life != coordinator_life_) return;
  Perform(scheduler_->Tick(now_));
  After(milliseconds(50), [this, life] { TickCoordinator(life); });
}

void Cluster::KeepTerm(std::uint64_t life) {
  if (life != coordinator_life_) return;
  if (database_up_) {
    RenewTerm();
  } else if (term_.value != 0 && now_ - term_good_ > milliseconds(2800)) {
    term_ = {};
    Perform(scheduler_->LoseTerm(false, now_));
  }
  After(milliseconds(500), [this, life] { KeepTerm(life); });
}

void Cluster::RenewTerm() {
  const auto held = ledger_.HoldTerm(term_);
  if (!held) {
    if (term_.value != 0) ++sometimes_.term_losses;
    term_ = {};
    return Perform(scheduler_->LoseTerm(true, now_));
  }
  term_good_ = now_;
  if (*held == term_) return;
  term_ = *held;
  Perform(scheduler_->HoldTerm(term_, now_));
}

// One request after the other, as the ledger loop does; what is asked anew was in doubt.
void Cluster::AskLedger(std::uint64_t life, coordinator::LedgerAction ask) {
  if (life != coordinator_life_) return;
  asked_.push_back(std::move(ask));
  if (asked_.size() > 1) return;
  struct Step {
    static void Go(Cluster& it, std::uint64_t of) {
      if (of != it.coordinator_life_ || it.asked_.empty()) return;
      const auto again = [&it, of](Duration wait) {
        it.After(wait, [&it, of] { Go(it, of); });
      };
      if (!it.database_up_) return again(milliseconds(100));
      const coordinator::LedgerAction request = it.asked_.front();
      if (request.term == it.term_) {
        auto answer = it.ledger_.Perform(request.term, request.request);
        if (!answer) {
          it.asked_.clear();
          return it.RenewTerm();
        }
        if (it.Faulty() && it.random_.Chance(0.05)) {
          ++it.sometimes_.in_doubt;
          return again(milliseconds(100));
        }
        it.asked_.erase(it.asked_.begin());
        it.Perform(it.scheduler_->Answer(request.term, std::move(*answer), it.now_));
      } else {
        it.asked_.erase(it.asked_.begin());
      }
      if (!it.asked_.empty()) again(it.Millis(1, 5));
    }
  };
  After(Millis(1, 5), [this, life] { Step::Go(*this, life); });
}

void Cluster::Perform(coordinator::Actions actions) {
  for (coordinator::Action& action : actions) {
    if (auto* const ask = std::get_if<coordinator::LedgerAction>(&action)) {
      AskLedger(coordinator_life_, std::move(*ask));
      continue;
    }
    auto* const send = std::get_if<coordinator::SendAction>(&action);
    if (send == nullptr) continue;
    const std::string to = send->connection.value;
    const auto there = std::find_if(processes_.begin(), processes_.end(), [&](const auto& one) {
      return one->alive && one->connection == to;
    });
    if (there == processes_.end()) {
      Perform(scheduler_->ConnectionGone(send->connection, now_));
      continue;
    }
    const int index = static_cast<int>(there - processes_.begin());
    Carry("to " + to, [this, index, to, message = std::move(send->message)] {
      Process& process = *processes_[static_cast<std::size_t>(index)];
      if (!process.alive || process.connection != to) return;
      if (message.has_welcome()) process.hears = {message.welcome().session()};
      if (message.has_beat_ack()) process.hears = {message.beat_ack().session()};
      Apply(index, process.session->Receive(message, now_));
    });
  }
}

}  // namespace tests::cluster
