// Requests a second that reach a limited upstream, of those it allows: 20/s with 120 ms latency,
// shared by 1, 4 and 10 workers. The reference is the limit itself; refusals (429) are counted
// beside it.
#include <iostream>

#include "bench/report.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr double kAllowedPerSecond = 20.0;
constexpr e2e::Seconds kWarmUp{12};
constexpr e2e::Seconds kMeasured{30};

struct Count {
  double requests = 0;
  double refused = 0;
};

Count Counted(e2e::Fleet& fleet) {
  const e2e::Json stats = fleet.SimulatorStats();
  return {stats["requests"].value("data_trades", 0.0), stats["responses"].value("429", 0.0)};
}

void Measure(int workers) {
  e2e::Fleet fleet(*tests::PostgresServer::Shared(), e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = 4000, .fills = 20000, .seed = "3", .more = {}},
                       {"--latency-ms", "120", "--limit", "data_trades=200/10s"});
  fleet.StartCoordinator({"--rate", "data_trades=200/10s"});
  for (int i = 1; i <= workers; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.StartRun();
  e2e::PauseFor(kWarmUp);
  const Count before = Counted(fleet);
  const auto begin = std::chrono::steady_clock::now();
  e2e::PauseFor(kMeasured);
  const Count after = Counted(fleet);
  const e2e::Seconds elapsed = std::chrono::steady_clock::now() - begin;
  const double requests = after.requests - before.requests;
  const std::string name = "budget_" + std::to_string(workers);
  const double achieved = requests / elapsed.count();
  bench::Report({name, achieved, "requests/s", kAllowedPerSecond, achieved / kAllowedPerSecond});
  std::cout << "  429s: " << (after.refused - before.refused) << " of " << requests
            << " requests\n";
}

}  // namespace

int main() {
  for (const int workers : {1, 4, 10}) Measure(workers);
}
