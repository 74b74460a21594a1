// How long the coordinator plans a million wallets, how soon credit becomes ASSIGN with 200
// workers, and how much memory it takes: the real scheduler, ledger loop and PostgreSQL; the
// workers are sessions in this process, without a network. A grant waits for a commit, so bare
// commits are timed beside it: a slow one among them is the disk's. One stall of the disk delays
// many grants, so their 99th percentile is the median of that of several rounds.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "bench/report.h"
#include "common/check.h"
#include "common/postgres.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/ledger_loop.h"
#include "coordinator/postgres_ledger.h"
#include "coordinator/scheduler.h"
#include "tests/support/postgres.h"

namespace {

using common::Instant;
using std::chrono::milliseconds;

constexpr int kWallets = 1'000'000;
constexpr int kWorkers = 200;
constexpr std::size_t kGrants = 1200;
constexpr std::ptrdiff_t kGrantsOfRound = 400;
constexpr double kGrantsPerSecond = 20;
constexpr double kMostPlan_s = 10;
constexpr double kMostGrant_ms = 5;
constexpr double kMostRss_mb = 300;

double Seconds(common::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double PeakRss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// A worker that takes a chunk, keeps it, and wants another from time to time: finishing would only
// add the workers' own writes.
struct Worker {
  std::uint64_t session = 0;
  std::uint64_t credit = 0;
  std::optional<Instant> asked_at;
  Instant beat_at{};
};

class Bench {
 public:
  explicit Bench(const std::string& url)
      : ledger_(url, "bench"),
        reader_(url, "bench"),
        loop_(ledger_, reader_, clock_),
        scheduler_({}, {{"data_trades", 19}}) {}

  // Until the run is planned; how long it took.
  double Plan() {
    const Instant before = clock_.Now();
    while (!scheduler_.status(clock_.Now()).run) Turn();
    return Seconds(clock_.Now() - before);
  }

  void Join() {
    workers_.resize(kWorkers);
    for (int i = 0; i < kWorkers; ++i) {
      proto::Envelope message;
      proto::Hello& hello = *message.mutable_hello();
      hello.set_protocol_min(1);
      hello.set_protocol_max(1);
      hello.set_worker_id(fmt::format("worker-{}", i));
      hello.set_incarnation(fmt::format("{:016d}", i));
      // Workers that started at different times do not beat at the same instant.
      workers_[static_cast<std::size_t>(i)].beat_at =
          clock_.Now() + milliseconds(i * 1000 / kWorkers);
      Say(i, message);
      Turn();
    }
  }

  // Each worker's first chunk, and then another whenever it has done one.
  std::vector<double> Grants() {
    const auto started = clock_.Now();
    std::size_t next = 0;
    while (latencies_ms_.size() < kGrants) {
      const Instant now = clock_.Now();
      // Workers ask one after the other, several times as often as chunks of 30 to 60 s would end.
      const auto due = static_cast<std::size_t>(Seconds(now - started) * kGrantsPerSecond);
      for (; next < due; ++next) Ask(static_cast<int>(next % kWorkers));
      for (int i = 0; i < kWorkers; ++i) Beat(i);
      Turn();
    }
    return latencies_ms_;
  }

 private:
  void Say(int worker, const proto::Envelope& message) {
    Perform(scheduler_.Receive({{std::to_string(worker)}, std::nullopt, message}, clock_.Now()));
  }
  void Ask(int index) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    if (worker.asked_at || worker.session == 0) return;
    worker.asked_at = clock_.Now();
    proto::Envelope message;
    message.mutable_credit()->set_session(worker.session);
    message.mutable_credit()->set_chunks(++worker.credit);
    Say(index, message);
  }
  void Beat(int index) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    if (worker.session == 0 || clock_.Now() < worker.beat_at) return;
    worker.beat_at = clock_.Now() + std::chrono::seconds(1);
    proto::Envelope message;
    message.mutable_beat()->set_session(worker.session);
    for (const common::ChunkId chunk : scheduler_.leases().OfSession({worker.session})) {
      SetLease(*scheduler_.leases().Find(chunk), *message.mutable_beat()->add_leases());
    }
    Say(index, message);
  }
  void OnAssign(int index, const proto::Assign& assign) {
    Worker& worker = workers_[static_cast<std::size_t>(index)];
    if (worker.asked_at) {
      latencies_ms_.push_back(Seconds(clock_.Now() - *worker.asked_at) * 1000);
      worker.asked_at.reset();
    }
    proto::Envelope accept;
    accept.mutable_accept()->set_session(worker.session);
    accept.mutable_accept()->set_chunk(assign.chunk());
    accept.mutable_accept()->set_epoch(assign.epoch());
    Say(index, accept);
  }
  void Perform(coordinator::Actions actions) {
    for (coordinator::Action& action : actions) {
      if (auto* const ask = std::get_if<coordinator::LedgerAction>(&action)) {
        CHECK(loop_.Ask(ask->term, std::move(ask->request)));
        continue;
      }
      const auto* const send = std::get_if<coordinator::SendAction>(&action);
      if (send == nullptr) continue;
      const int index = std::atoi(send->connection.value.c_str());
      if (send->message.has_welcome()) {
        workers_[static_cast<std::size_t>(index)].session = send->message.welcome().session();
      } else if (send->message.has_assign()) {
        OnAssign(index, send->message.assign());
      }
    }
  }
  // One turn of the coordinator's loop: waits for the ledger at most until the next tick.
  void Turn() {
    auto event = loop_.events().WaitPop(milliseconds(1));
    const Instant now = clock_.Now();
    for (; event; event = loop_.events().TryPop()) {
      if (const auto* const held = std::get_if<coordinator::TermHeld>(&*event)) {
        Perform(scheduler_.HoldTerm(held->term, now));
      } else if (auto* const answered = std::get_if<coordinator::Answered>(&*event)) {
        Perform(scheduler_.Answer(answered->term, std::move(answered->answer), now));
      }
    }
    if (now >= tick_at_) {
      tick_at_ = now + milliseconds(50);
      Perform(scheduler_.Tick(now));
    }
  }

  common::SystemClock clock_;
  coordinator::PostgresLedger ledger_;
  coordinator::PostgresLedger reader_;
  coordinator::LedgerLoop loop_;
  coordinator::Scheduler scheduler_;
  std::vector<Worker> workers_;
  std::vector<double> latencies_ms_;
  Instant tick_at_{};
};

// Commits of one row, as often as grants, until Stop().
class BareCommits {
 public:
  explicit BareCommits(const std::string& url) : thread_([this, url] { Run(url); }) {}
  std::vector<double> Stop() {
    is_over_ = true;
    thread_.join();
    return latencies_ms_;
  }

 private:
  void Run(const std::string& url) {
    auto connection = common::PgConnection::Open(url);
    CHECK(connection.has_value());
    CHECK(connection->ExecScript("CREATE TABLE bare (n bigint)").has_value());
    while (!is_over_) {
      const auto before = std::chrono::steady_clock::now();
      CHECK(connection->Exec("INSERT INTO bare VALUES (1)").has_value());
      latencies_ms_.push_back(Seconds(std::chrono::steady_clock::now() - before) * 1000);
      std::this_thread::sleep_for(std::chrono::duration<double>(1 / kGrantsPerSecond));
    }
  }

  std::atomic<bool> is_over_ = false;
  std::vector<double> latencies_ms_;
  std::thread thread_;
};

double Percentile(std::vector<double> values, double share) {
  const auto place = static_cast<std::ptrdiff_t>(static_cast<double>(values.size()) * share);
  std::ranges::nth_element(values, values.begin() + place);
  return values[static_cast<std::size_t>(place)];
}

double MedianOfRounds(const std::vector<double>& values, double share) {
  std::vector<double> rounds;
  for (auto begin = values.begin(); values.end() - begin >= kGrantsOfRound;
       begin += kGrantsOfRound) {
    rounds.push_back(Percentile({begin, begin + kGrantsOfRound}, share));
  }
  return bench::Median(rounds);
}

void TellLatencies(const std::string& name, const std::vector<double>& values) {
  fmt::print("{} p50 {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms over all {}\n", name,
             Percentile(values, 0.5), Percentile(values, 0.99), std::ranges::max(values),
             values.size());
}

// In the database alone: how they came there is not measured.
void MakeWallets(const std::string& url) {
  auto connection = common::PgConnection::Open(url);
  CHECK(connection.has_value());
  const auto made = connection->Exec(fmt::format(
      "INSERT INTO wallet (address, discovered_by) "
      "SELECT decode(lpad(to_hex(i), 40, '0'), 'hex'), 'bench' FROM generate_series(1, {}) i",
      kWallets));
  CHECK(made.has_value());
  // Half of them were synced before, a few are whales.
  const auto synced = connection->Exec(
      "INSERT INTO wallet_sync (wallet_id, status, trades_stored, complete_to) "
      "SELECT wallet_id, 2, CASE WHEN wallet_id % 5000 = 0 THEN 500000 ELSE wallet_id % 1000 END, "
      "1760000000 FROM wallet WHERE wallet_id % 2 = 0");
  CHECK(synced.has_value());
  // As in a database that has been at rest: no vacuum and no checkpoint of what was just made.
  CHECK(connection->Exec("VACUUM ANALYZE").has_value());
  CHECK(connection->Exec("CHECKPOINT").has_value());
  coordinator::RunWish wish;
  wish.all = true;
  CHECK(coordinator::AdminLedger(url).CreateRun(wish).has_value());
}

}  // namespace

int main() {
  auto server = tests::PostgresServer::Start({.durable = true, .tcp = false, .settings = {}});
  if (!server) {
    std::fprintf(stderr, "coordinator_bench: %s\n", server.error().message.c_str());
    return 1;
  }
  const std::string url = (*server)->CreateDatabase();
  MakeWallets(url);
  Bench bench(url);
  const double plan_s = bench.Plan();
  bench.Join();
  BareCommits bare(url);
  const std::vector<double> grants = bench.Grants();
  const std::vector<double> commits = bare.Stop();
  const double p99 = MedianOfRounds(grants, 0.99);
  const double rss = PeakRss_mb();
  const double worst = std::max({plan_s / kMostPlan_s, p99 / kMostGrant_ms, rss / kMostRss_mb});
  bench::Report({"coordinator", worst, "of what is allowed", 1, worst});
  bench::Report({"coordinator_plan", plan_s, "s", kMostPlan_s, plan_s / kMostPlan_s});
  bench::Report({"coordinator_grant_p99", p99, "ms", kMostGrant_ms, p99 / kMostGrant_ms});
  bench::Report({"coordinator_rss", rss, "MB", kMostRss_mb, rss / kMostRss_mb});
  TellLatencies("coordinator_grants", grants);
  TellLatencies("bare_commits", commits);
  return 0;
}
