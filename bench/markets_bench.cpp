// Markets a second that reach the tables from a Gamma that admits what the real one does, 300 pages
// of 100 markets in 10 s: the reference is that limit. Pages of a walk come one after the other, so
// the latency of the upstream counts, too.
#include <cmath>
#include <iostream>

#include "bench/report.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr double kAllowedPagesPerSecond = 30.0;
constexpr double kMarketsOfPage = 100.0;
constexpr e2e::Seconds kWarmUp{12};
constexpr e2e::Seconds kMeasured{30};

double Markets(e2e::Fleet& fleet) {
  return std::stod(
      fleet.Value("SELECT coalesce(sum(rows), 0) FROM work_unit WHERE kind = "
                  "'markets' AND task LIKE 'markets %'"));
}

}  // namespace

int main() {
  e2e::Fleet fleet(*tests::PostgresServer::Shared(), e2e::Timings::kProduction);
  fleet.StartSimulator(
      {.wallets = 100, .fills = 2000, .seed = "12", .more = {"--markets", "300000"}},
      {"--latency-ms", "20", "--limit", "gamma_markets=300/10s", "--limit", "gamma_other=500/10s"});
  fleet.StartCoordinator(
      {"--schedule", "off", "--rate", "gamma_markets=300/10s", "--rate", "gamma_other=500/10s"});
  for (int i = 1; i <= 2; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(2);
  fleet.StartAction({{"action", "markets"}});
  e2e::PauseFor(kWarmUp);
  const double before = Markets(fleet);
  const auto begin = std::chrono::steady_clock::now();
  e2e::PauseFor(kMeasured);
  const double told = Markets(fleet) - before;
  const e2e::Seconds elapsed = std::chrono::steady_clock::now() - begin;
  const double achieved = told / elapsed.count();
  const double allowed = kAllowedPagesPerSecond * kMarketsOfPage;
  bench::Report({"markets", achieved, "markets/s", allowed, achieved / allowed});
  std::cout << "  429s: " << fleet.SimulatorStats()["responses"].value("429", 0) << "\n";
}
