// A whole installation for one test: PostgreSQL, the simulator, a coordinator and workers, each a
// real process, in one temporary directory, on free ports.
//
// A test starts what it needs, does harm, and compares `trades_raw` with the simulator's oracle.
#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/e2e/process.h"
#include "tests/support/postgres.h"

namespace e2e {

using Json = nlohmann::json;
using Environment = std::map<std::string, std::string>;
using Arguments = std::vector<std::string>;

// Under a sanitizer everything is several times slower, and machines are noisy.
inline constexpr Seconds kRunDeadline{120};

struct WorldSize {
  int wallets = 150;
  int fills = 20000;
  std::string seed = "7";
  Arguments more;  // further world options of seine-sim

  Arguments AsArguments() const;
};

// Lease timings of a coordinator: short ones let a test see a lease end.
enum class Timings { kShort, kProduction };

class Fleet {
 public:
  explicit Fleet(tests::PostgresServer& postgres, Timings timings = Timings::kShort);
  ~Fleet();

  void StartSimulator(const WorldSize& world, const Arguments& arguments = {});
  // The upstream answers nobody: whoever has work cannot end it before the release.
  void HoldUpstream() { simulator_->Signal(SIGSTOP); }
  void ReleaseUpstream() { simulator_->Signal(SIGCONT); }
  void StartCoordinator(const Arguments& arguments = {}, const Environment& environment = {});
  // One more, with a state directory and ports of its own, on what is the database URL now. From
  // then on it is the one that is asked; the one before goes on, and is returned.
  Process& StartAnotherCoordinator();
  // `arguments` go before ours: --connect and --database, too, may lead elsewhere.
  void StartWorker(const std::string& id, const Environment& environment = {},
                   const Arguments& arguments = {});

  Process& coordinator() { return *coordinator_; }
  Process& worker(const std::string& id) { return workers_.at(id); }
  bool HasWorker(const std::string& id) const { return workers_.contains(id); }
  void Forget(const std::string& id) { workers_.erase(id); }
  const std::string& directory() const { return directory_; }
  const std::string& database_url() const { return database_url_; }
  void UseDatabaseUrl(std::string url) { database_url_ = std::move(url); }
  std::string StateDirectory() const { return directory_ + "/" + state_name_; }
  std::string WorkerDirectory(const std::string& id) const;
  std::string ListenAddress() const;
  std::string HttpAddress() const;

  // A trades run of all the world's wallets; the run's number.
  int StartRun(const std::string& source = "auto");
  int StartRunOf(const std::vector<std::string>& wallets, const std::string& source = "auto");
  // 0 where the coordinator was gone before it could answer; asking again attaches to the run.
  int AskForRun(const std::vector<std::string>& wallets, const std::string& source = "auto");
  // Any run, as POST /api/admin/ingest takes it; its number.
  int StartAction(const Json& request);
  Json Run(int run);
  bool AwaitWorkers(int live, Seconds timeout = Seconds{60});
  bool AwaitFinished(int run, Seconds timeout = kRunDeadline);
  bool AwaitTrades(long long at_least, Seconds timeout = kRunDeadline);
  long long StoredTrades();

  Json Get(const std::string& path);  // null when nobody answers
  static Json GetFrom(const std::string& address, const std::string& path);
  // The coordinator's metric; -1 when nobody answers.
  long long Metric(const std::string& name) { return MetricOf(HttpAddress(), name); }
  static long long MetricOf(const std::string& address, const std::string& name);
  Json Post(const std::string& path, const Json& body);
  std::string AskSimulator(const std::string& path);
  Json SimulatorStats();
  void SetFaults(const Json& faults);
  void TellSimulator(const std::string& path, const Json& body);
  std::vector<std::string> Wallets();

  // Every row of the oracle is in trades_raw once, and nothing else is.
  void ExpectOracle(const std::string& source = "data-api");
  // What is stored, in the oracle's words for what this source tells.
  std::string StoredRows(const std::string& source);
  void ExpectOutcome(int run, const std::string& outcome);
  std::string Value(const std::string& sql);       // first field of the first row, as text
  std::string Log(const std::string& name) const;  // what a worker has written
  void DumpLogs() const;

 private:
  Arguments SimulatorUrls() const;
  int Ingest(const Json& request);
  std::string Upload(const std::string& lines);

  Timings timings_;
  std::string directory_;
  std::string state_name_ = "state";  // of the coordinator that is asked
  std::string database_url_;
  std::string simulator_url_;
  std::unique_ptr<Process> simulator_;
  std::unique_ptr<Process> coordinator_;
  std::vector<std::unique_ptr<Process>> earlier_coordinators_;
  std::map<std::string, Process> workers_;
  std::string last_listen_ = "tcp://127.0.0.1:0";
  std::string last_http_ = "127.0.0.1:0";
};

}  // namespace e2e
