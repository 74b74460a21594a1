#include "tests/cluster/cluster.h"

#include <algorithm>
#include <utility>

namespace tests::cluster {

using common::Duration;
using common::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t kInFlight = 3;

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

std::vector<Wallet> MakeWallets(const ClusterOptions& options, common::Random& random) {
  std::vector<Wallet> wallets(static_cast<std::size_t>(options.wallets));
  for (Wallet& wallet : wallets) {
    wallet.pages = random.Chance(0.1) ? 6 : 1 + static_cast<int>(random.Below(3));
    if (random.Chance(0.1)) wallet.failures = 1 + static_cast<int>(random.Below(2));
  }
  for (int i = 0; i < options.poison; ++i) {
    wallets[random.Below(wallets.size())].poison = true;
  }
  return wallets;
}

}  // namespace

struct Cluster::Job {
  worker::ChunkTask task;
  std::size_t next = 0;
  std::set<std::size_t> in_flight;
  std::set<std::size_t> released;
  std::vector<worker::WalletOutcome> outcomes;
  std::uint64_t rows = 0;
  bool told = false;  // Finished was said
};

struct Cluster::Process {
  common::WorkerId id;
  std::uint64_t life = 0;
  bool alive = false;
  std::string connection;
  std::unique_ptr<worker::Session> session;
  std::map<worker::Lease, Job> jobs;
  std::uint64_t requests = 0;
  bool drained = false;
};

void Sometimes::Add(const Sometimes& other) {
  drops += other.drops;
  repeats += other.repeats;
  worker_kills += other.worker_kills;
  coordinator_kills += other.coordinator_kills;
  outages += other.outages;
  in_doubt += other.in_doubt;
  fenced_writes += other.fenced_writes;
  regrants += other.regrants;
  resends += other.resends;
  adopted += other.adopted;
  releases += other.releases;
  recalls += other.recalls;
  quarantined += other.quarantined;
  takeovers += other.takeovers;
  drains += other.drains;
  failures += other.failures;
}

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      random_(options.seed),
      now_(seconds(1000)),
      faults_until_(now_ + options.faults_for),
      ledger_(MakeWallets(options, random_)),
      kept_terms_(static_cast<std::size_t>(options.workers)),
      failed_times_(static_cast<std::size_t>(options.wallets)) {}

Cluster::~Cluster() = default;

double Cluster::virtual_seconds() const {
  return std::chrono::duration<double>(now_.time_since_epoch()).count() - 1000;
}

void Cluster::After(Duration delay, std::function<void()> run) {
  events_.push({now_ + delay, order_++, std::move(run)});
}

Duration Cluster::Millis(std::uint64_t from, std::uint64_t to) {
  return milliseconds(from + random_.Below(to - from + 1));
}

std::string Cluster::Run() {
  const Instant deadline = now_ + options_.deadline;
  StartCoordinator();
  for (int i = 0; i < options_.workers; ++i) {
    processes_.push_back(std::make_unique<Process>());
    After(Millis(0, 500), [this, i] { StartWorker(i); });
  }
  After(Millis(200, 800), [this] { Fault(); });
  while (!events_.empty() && violation_.empty()) {
    Event event = events_.top();
    events_.pop();
    if (event.at > deadline) return "the run does not end";
    now_ = event.at;
    ledger_.set_now(now_);
    event.run();
    CheckRules();
    if (ledger_.finished() && !Faulty()) break;
  }
  CountScheduler();
  sometimes_.fenced_writes = ledger_.fenced_writes();
  sometimes_.regrants = ledger_.regrants();
  if (!violation_.empty()) return violation_;
  for (const Wallet& wallet : ledger_.wallets()) {
    if (wallet.quarantined || wallet.failed) continue;
    if (!wallet.done) return "a wallet was left out";
    for (const int written : wallet.written) {
      if (written != 1) return "a page is stored " + std::to_string(written) + " times";
    }
  }
  return "";
}

void Cluster::CheckRules() {
  if (!ledger_.violation().empty()) violation_ = ledger_.violation();
  if (!scheduler_) return;
  for (const auto& [id, session] : scheduler_->registry().sessions()) {
    // What a dead worker left goes beyond the credit, up to a bound on all that is held.
    const auto held = scheduler_->leases().OfSession(id).size() + session.asking;
    if (session.granted + session.asking > session.credit + 1 &&
        held > coordinator::kLeasesWithUrgent) {
      violation_ = "credit is overdrawn";
    }
  }
  if (scheduler_->budget().Outstanding("data") > 20 + 1e-6) violation_ = "the budget is exceeded";
  constexpr std::uint64_t kNowAndThen = 16;
  if (++checks_ % kNowAndThen != 0) return;
  std::map<common::ChunkId, int> holders;
  for (const auto& process : processes_) {
    if (!process->alive) continue;
    for (const auto& [lease, job] : process->jobs) {
      if (ledger_.EpochOf(lease.chunk) == lease.epoch.value && ++holders[lease.chunk] > 1) {
        violation_ = "two processes hold one lease";
      }
    }
  }
}

// --- The network -------------------------------------------------------------------------------

void Cluster::Carry(std::function<void()> deliver) {
  if (Faulty() && random_.Chance(options_.drop)) {
    ++sometimes_.drops;
    return;
  }
  const bool repeat = Faulty() && random_.Chance(options_.repeat);
  const auto delay = [this] {
    return Faulty() && random_.Chance(options_.late) ? Millis(1, 500) : Millis(1, 3);
  };
  if (repeat) {
    ++sometimes_.repeats;
    After(delay(), deliver);
  }
  After(delay(), std::move(deliver));
}

void Cluster::Deliver(const std::string& connection, const std::string& worker,
                      const proto::Envelope& message) {
  Carry([this, incoming = proto::Incoming{{connection}, common::WorkerId{worker}, message}] {
    if (scheduler_) Perform(scheduler_->Receive(incoming, now_));
  });
}

// --- The coordinator ---------------------------------------------------------------------------

void Cluster::StartCoordinator() {
  const std::uint64_t life = coordinator_life_ = ++lives_;
  term_ = {};
  asked_.clear();
  scheduler_ = std::make_unique<coordinator::Scheduler>(
      FastTimings(), std::vector<coordinator::EndpointLimit>{{"data", 20}});
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
  sometimes_.quarantined += counters.quarantined;
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
    const auto held = ledger_.HoldTerm(term_);
    if (held) {
      term_good_ = now_;
      if (*held != term_) {
        term_ = *held;
        Perform(scheduler_->HoldTerm(term_, now_));
      }
    } else {
      term_ = {};
      Perform(scheduler_->LoseTerm(true, now_));
    }
  } else if (term_.value != 0 && now_ - term_good_ > milliseconds(2800)) {
    term_ = {};
    Perform(scheduler_->LoseTerm(false, now_));
  }
  After(milliseconds(500), [this, life] { KeepTerm(life); });
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
          it.term_ = {};
          it.asked_.clear();
          return it.Perform(it.scheduler_->LoseTerm(false, it.now_));
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
    Carry([this, index, to, message = std::move(send->message)] {
      Process& process = *processes_[static_cast<std::size_t>(index)];
      if (!process.alive || process.connection != to) return;
      Apply(index, process.session->Receive(message, now_));
    });
  }
}

// --- The workers -------------------------------------------------------------------------------

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

// --- Faults ------------------------------------------------------------------------------------

void Cluster::Fault() {
  if (!Faulty()) {
    database_up_ = true;
    return;
  }
  const std::uint64_t which = random_.Below(10);
  const int victim = static_cast<int>(random_.Below(processes_.size()));
  Process& process = *processes_[static_cast<std::size_t>(victim)];
  if (which < 4 && options_.kill_workers && process.alive) {
    ++sometimes_.worker_kills;
    KillWorker(victim);
  } else if (which < 6 && options_.kill_coordinator && scheduler_) {
    KillCoordinator();
  } else if (which == 6 && options_.database_outages && database_up_) {
    ++sometimes_.outages;
    database_up_ = false;
    After(Millis(100, 5000), [this] { database_up_ = true; });
  } else if (which == 7 && options_.drains && process.alive) {
    ++sometimes_.drains;
    Apply(victim,
          process.session->Drain(random_.Chance(0.5) ? proto::GRACEFUL : proto::QUICK, {}, now_));
  } else if (which == 8 && options_.kill_workers && process.alive) {
    // The connection is cut, and the worker says HELLO through a new one.
    process.connection = "c" + std::to_string(++lives_);
    Apply(victim, process.session->Disconnected(now_));
  } else if (which == 9 && options_.drains && scheduler_ && process.alive) {
    Perform(scheduler_->OrderDrain(process.id, proto::GRACEFUL, now_).first);
  }
  After(Millis(200, 1500), [this] { Fault(); });
}

}  // namespace tests::cluster
