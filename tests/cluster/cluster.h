// Coordinator and workers in one thread, under virtual time and a bad network, from a seed.
//
// The scheduler and the sessions are the real ones. Around them: a network that drops, repeats,
// delays and reorders; processes that are killed and restarted; a database that is away for a
// while, or answers so late that the outcome is in doubt; workers that do pages of wallets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "coordinator/scheduler.h"
#include "tests/cluster/memory_ledger.h"
#include "worker/session.h"

namespace tests::cluster {

inline constexpr double kDataPerSecond = 20;  // the budget of the only endpoint

struct ClusterOptions {
  std::uint64_t seed = 1;
  int workers = 3;
  int wallets = 40;
  double drop = 0.05;
  double repeat = 0.05;
  double late = 0.1;  // by up to half a second, past others
  bool kill_workers = true;
  bool kill_coordinator = true;
  bool database_outages = true;
  bool rivals = true;  // another coordinator holds the term for a while
  bool drains = true;
  int poison = 1;
  common::Duration faults_for = std::chrono::seconds(12);
  common::Duration deadline = std::chrono::seconds(400);
};

// What happened: a test asserts that it did.
struct Sometimes {
  std::uint64_t drops = 0;
  std::uint64_t overtaken = 0;
  std::uint64_t repeats = 0;
  std::uint64_t worker_kills = 0;
  std::uint64_t coordinator_kills = 0;
  std::uint64_t outages = 0;
  std::uint64_t term_losses = 0;  // to another coordinator
  std::uint64_t in_doubt = 0;
  std::uint64_t fenced_writes = 0;
  std::uint64_t regrants = 0;
  std::uint64_t resends = 0;
  std::uint64_t adopted = 0;
  std::uint64_t releases = 0;
  std::uint64_t recalls = 0;
  std::uint64_t quarantined = 0;  // wallets
  std::uint64_t takeovers = 0;
  std::uint64_t drains = 0;
  std::uint64_t failures = 0;

  void Add(const Sometimes& other);
};

class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options);
  ~Cluster();

  // Until the run is finished, or a rule is broken. Empty: all is well.
  std::string Run();
  const Sometimes& sometimes() const { return sometimes_; }
  const MemoryLedger& ledger() const { return ledger_; }
  double virtual_seconds() const;

 private:
  struct Job;
  struct Process;
  struct Event {
    common::Instant at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void After(common::Duration delay, std::function<void()> run);
  common::Duration Millis(std::uint64_t from, std::uint64_t to);
  bool Faulty() const { return now_ < faults_until_; }

  // Coordinator.
  void StartCoordinator();
  void KillCoordinator();
  void CountScheduler();
  void TickCoordinator(std::uint64_t life);
  void KeepTerm(std::uint64_t life);
  void RenewTerm();
  void AskLedger(std::uint64_t life, coordinator::LedgerAction ask);
  void Perform(coordinator::Actions actions);
  void Deliver(const std::string& connection, const std::string& worker,
               const proto::Envelope& message);

  // Workers.
  void StartWorker(int index);
  void KillWorker(int index, bool restart = true);
  void TickWorker(int index, std::uint64_t life);
  void Apply(int index, worker::SessionActions actions);
  void Work(int index);
  void Begin(int index, const worker::Lease& lease, std::size_t place);
  void FetchPage(int index, std::uint64_t life, worker::Lease lease, std::size_t place, int page);
  void EndWallet(int index, const worker::Lease& lease, std::size_t place,
                 worker::WalletOutcome::Kind kind);
  void GiveBack(int index, const worker::Lease& lease, proto::Release::Reason reason, bool whole);
  proto::Beat Vitals(const Process& process) const;

  // Network.
  void Carry(const std::string& link, std::function<void()> deliver);
  void Fault();
  void CheckRules();

  const ClusterOptions options_;
  common::Random random_;
  common::Instant now_{};
  common::Instant faults_until_{};
  std::uint64_t order_ = 0;
  std::priority_queue<Event> events_;

  MemoryLedger ledger_;
  bool database_up_ = true;
  std::unique_ptr<coordinator::Scheduler> scheduler_;
  std::uint64_t coordinator_life_ = 0;
  common::Term term_;
  common::Instant term_good_{};
  std::vector<coordinator::LedgerAction> asked_;

  std::map<std::string, std::uint64_t> newest_;  // that was carried over a link
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::int64_t> kept_terms_;
  std::vector<int> failed_times_;  // by wallet
  std::uint64_t lives_ = 0;
  std::uint64_t checks_ = 0;
  Sometimes sometimes_;
  std::string violation_;
};

}  // namespace tests::cluster
