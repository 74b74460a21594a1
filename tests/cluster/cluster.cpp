#include "tests/cluster/cluster.h"

#include <algorithm>
#include <utility>

#include "tests/cluster/process.h"

namespace tests::cluster {

using common::Duration;
using common::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// A session that was told less may hear of it so late, with the longest delay of the network,
// before the others are told more. What a worker believes whose session is over is not counted.
constexpr Duration kHeardLately = milliseconds(900);

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

void Sometimes::Add(const Sometimes& other) {
  drops += other.drops;
  overtaken += other.overtaken;
  repeats += other.repeats;
  worker_kills += other.worker_kills;
  coordinator_kills += other.coordinator_kills;
  outages += other.outages;
  term_losses += other.term_losses;
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
    if (wallet.quarantined) {
      ++sometimes_.quarantined;
      continue;
    }
    // It fails less often than it is tried.
    if (wallet.failed) return "a wallet failed for good";
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
  double believed = 0;
  for (const auto& process : processes_) {
    const bool is_lately = process->alive && now_ - process->told_at < kHeardLately;
    if (is_lately && scheduler_->registry().Find(process->told_by) != nullptr) {
      believed += process->rate;
    }
  }
  if (believed > kDataPerSecond + 1e-6 ||
      scheduler_->budget().Outstanding("data") > kDataPerSecond + 1e-6) {
    violation_ = "the budget is exceeded";
  }
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

void Cluster::Carry(const std::string& link, std::function<void()> deliver) {
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
  After(delay(), [this, link, number = order_, deliver = std::move(deliver)] {
    std::uint64_t& newest = newest_[link];
    if (number < newest) ++sometimes_.overtaken;
    newest = std::max(newest, number);
    deliver();
  });
}

void Cluster::Deliver(const std::string& connection, const std::string& worker,
                      const proto::Envelope& message) {
  Carry("from " + connection,
        [this, incoming = proto::Incoming{{connection}, common::WorkerId{worker}, message}] {
          if (scheduler_) Perform(scheduler_->Receive(incoming, now_));
        });
}

// --- Faults ------------------------------------------------------------------------------------

void Cluster::Fault() {
  if (!Faulty()) {
    database_up_ = true;
    return;
  }
  const std::uint64_t which = random_.Below(11);
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
  } else if (which == 10 && options_.rivals) {
    ledger_.LeaseRunsOut(now_ + Millis(0, 3000));
  }
  After(Millis(200, 1500), [this] { Fault(); });
}

}  // namespace tests::cluster
