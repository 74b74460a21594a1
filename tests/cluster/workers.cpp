// The cluster's workers: real sessions, and jobs that only write into the ledger.
#include <utility>

#include "tests/cluster/cluster.h"
#include "tests/cluster/process.h"

namespace tests::cluster {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t kInFlight = 3;

worker::SessionTimings FastSession() {
  worker::SessionTimings timings;
  timings.greeting = milliseconds(200);
  timings.coordinator_lost = seconds(1);
  timings.finished_again = milliseconds(400);
  timings.drain = seconds(5);
  timings.drain_quick = milliseconds(600);
  timings.reconnect = {milliseconds(50), seconds(1)};
  return timings;
}

}  // namespace

void Cluster::StartWorker(int index) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  if (process.alive) return;
  process = Process{};
  process.id = {"worker-" + std::to_string(index)};
  process.life = ++lives_;
  process.alive = true;
  process.connection = "c" + std::to_string(++lives_);
  std::string incarnation = std::to_string(process.life);
  incarnation.resize(16, '.');
  process.session = std::make_unique<worker::Session>(
      worker::SessionIdentity{process.id, incarnation, "host", index, "state", "test"},
      common::Term{kept_terms_[static_cast<std::size_t>(index)]}, random_.Next(), FastSession());
  Apply(index, process.session->Start(now_));
  TickWorker(index, process.life);
}

void Cluster::KillWorker(int index, bool restart) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  if (!process.alive) return;
  process.alive = false;
  process.jobs.clear();
  if (restart) After(Millis(5, 3000), [this, index] { StartWorker(index); });
}

proto::Beat Cluster::Vitals(const Process& process) const {
  proto::Beat beat;
  for (const auto& [lease, job] : process.jobs) {
    proto::LeaseProgress& progress = *beat.add_leases();
    progress.set_chunk(lease.chunk.value);
    progress.set_epoch(lease.epoch.value);
    progress.set_wallets_done(static_cast<std::uint32_t>(job.outcomes.size()));
    progress.set_rows(job.rows);
    for (const std::size_t place : job.in_flight) {
      progress.add_in_flight(job.task.wallets[place].id.value);
    }
  }
  proto::EndpointUse& use = *beat.add_endpoints();
  use.set_endpoint("data");
  use.set_requests(process.requests);
  use.set_waiting(2);
  return beat;
}

void Cluster::TickWorker(int index, std::uint64_t life) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  if (!process.alive || process.life != life) return;
  const bool due = process.session->BeatDue(now_);
  Apply(index, process.session->SetWilling(database_up_, now_));
  Apply(index, process.session->Tick(now_, due ? Vitals(process) : proto::Beat{}));
  Work(index);
  After(milliseconds(50), [this, index, life] { TickWorker(index, life); });
}

void Cluster::Apply(int index, worker::SessionActions actions) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  for (worker::SessionAction& action : actions) {
    if (!process.alive) return;
    if (auto* const send = std::get_if<worker::SendMessage>(&action)) {
      Deliver(process.connection, process.id.value, send->message);
    } else if (std::get_if<worker::OpenSocket>(&action) != nullptr) {
      process.connection = "c" + std::to_string(++lives_);
    } else if (const auto* const keep = std::get_if<worker::KeepTerm>(&action)) {
      kept_terms_[static_cast<std::size_t>(index)] = keep->term.value;
    } else if (const auto* const told = std::get_if<worker::SetRates>(&action)) {
      process.rate = told->rates.empty() ? 0 : told->rates.front().per_second();
      process.told_by = process.hears;
      process.told_at = now_;
    } else if (auto* const start = std::get_if<worker::StartChunk>(&action)) {
      const worker::Lease lease = start->task.lease;
      for (const auto& task : start->task.wallets) {
        const Wallet& wallet = ledger_.wallets()[static_cast<std::size_t>(task.id.value)];
        if (wallet.done && wallet.done_epoch < lease.epoch.value &&
            ledger_.EpochOf(lease.chunk) == lease.epoch.value) {
          violation_ = "a wallet that is done was leased again";
        }
      }
      process.jobs[lease].task = std::move(start->task);
    } else if (const auto* const drop = std::get_if<worker::AbandonChunk>(&action)) {
      process.jobs.erase(drop->lease);
    } else if (const auto* const back = std::get_if<worker::GiveBack>(&action)) {
      GiveBack(index, back->lease, back->reason, false);
    } else if (const auto* const stop = std::get_if<worker::StopChunk>(&action)) {
      GiveBack(index, stop->lease, proto::Release::DRAIN, true);
    } else if (std::get_if<worker::Exit>(&action) != nullptr) {
      KillWorker(index);
      return;
    }
  }
}

void Cluster::Work(int index) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  if (!process.alive) return;
  std::size_t running = 0;
  for (const auto& [lease, job] : process.jobs) running += job.in_flight.size();
  for (auto& [lease, job] : process.jobs) {
    while (running < kInFlight && job.next < job.task.wallets.size()) {
      const std::size_t place = job.next++;
      if (job.released.contains(place)) continue;
      ++running;
      job.in_flight.insert(place);
      Begin(index, lease, place);
    }
  }
}

void Cluster::Begin(int index, const worker::Lease& lease, std::size_t place) {
  const Process& process = *processes_[static_cast<std::size_t>(index)];
  const Job& job = process.jobs.at(lease);
  const int page = std::stoi(job.task.wallets[place].cursors.at(0).position);
  After(Millis(20, 80), [this, index, life = process.life, lease, place, page] {
    FetchPage(index, life, lease, place, page);
  });
}

void Cluster::FetchPage(int index, std::uint64_t life, worker::Lease lease, std::size_t place,
                        int page) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  if (!process.alive || process.life != life || !process.jobs.contains(lease)) return;
  const int id = process.jobs.at(lease).task.wallets[place].id.value;
  const Wallet& wallet = ledger_.wallets()[static_cast<std::size_t>(id)];
  if (wallet.poison) {
    // Late enough for a BEAT to tell that it was in flight, or not.
    After(Millis(0, 300), [this, index, life] {
      const Process& it = *processes_[static_cast<std::size_t>(index)];
      if (it.alive && it.life == life) KillWorker(index);
    });
    return;
  }
  if (!database_up_) {
    After(milliseconds(100),
          [this, index, life, lease, place, page] { FetchPage(index, life, lease, place, page); });
    return;
  }
  ++process.requests;
  if (failed_times_[static_cast<std::size_t>(id)] < wallet.failures) {
    ++failed_times_[static_cast<std::size_t>(id)];
    ++sometimes_.failures;
    return EndWallet(index, lease, place, worker::WalletOutcome::Kind::kFailed);
  }
  const bool last = page + 1 >= wallet.pages;
  if (!ledger_.Write(lease.chunk, lease.epoch, id, page, last)) {
    process.jobs.erase(lease);
    return Apply(index, process.session->FencedByStore(lease, now_));
  }
  ++process.jobs.at(lease).rows;
  if (last) return EndWallet(index, lease, place, worker::WalletOutcome::Kind::kComplete);
  After(Millis(20, 80), [this, index, life, lease, place, page] {
    FetchPage(index, life, lease, place, page + 1);
  });
}

void Cluster::EndWallet(int index, const worker::Lease& lease, std::size_t place,
                        worker::WalletOutcome::Kind kind) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  Job& job = process.jobs.at(lease);
  job.in_flight.erase(place);
  job.outcomes.push_back({job.task.wallets[place].id, kind, "the page could not be read"});
  if (job.outcomes.size() + job.released.size() == job.task.wallets.size()) {
    // The process keeps the job until DONE_ACK, as a worker keeps its lease.
    const auto outcomes = job.outcomes;
    const auto rows = job.rows;
    process.jobs.erase(lease);
    Apply(index, process.session->Finished(lease, outcomes, rows, now_));
  }
  Work(index);
}

void Cluster::GiveBack(int index, const worker::Lease& lease, proto::Release::Reason reason,
                       bool whole) {
  Process& process = *processes_[static_cast<std::size_t>(index)];
  const auto found = process.jobs.find(lease);
  if (found == process.jobs.end()) return;
  Job& job = found->second;
  std::vector<common::WalletId> wallets;
  for (; job.next < job.task.wallets.size(); ++job.next) {
    if (!job.released.insert(job.next).second) continue;
    wallets.push_back(job.task.wallets[job.next].id);
  }
  const bool nothing_left = job.in_flight.empty() && job.outcomes.empty();
  if (whole || nothing_left) {
    process.jobs.erase(found);
    return Apply(index, process.session->Released(lease, {}, true, reason, now_));
  }
  Apply(index, process.session->Released(lease, wallets, false, reason, now_));
}

}  // namespace tests::cluster
