// Trades a second of 10 workers, against ten times those of one: upstream latency 500 ms, no limit.
#include "bench/report.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kWalletsPerWorker = 400;
constexpr int kFillsPerWorker = 12000;

double TradesPerSecond(int workers) {
  e2e::Fleet fleet(*tests::PostgresServer::Shared(), e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = kWalletsPerWorker * workers,
                        .fills = kFillsPerWorker * workers,
                        .seed = "5",
                        .more = {}},
                       {"--latency-ms", "500"});
  fleet.StartCoordinator();
  for (int i = 1; i <= workers; ++i) {
    fleet.StartWorker("worker-" + std::to_string(i), {}, {"--in-flight", "8"});
  }
  fleet.AwaitWorkers(workers);
  const int run = fleet.StartRun();
  const long long total = kFillsPerWorker * workers;
  fleet.AwaitTrades(total / 10);
  const long long first = fleet.StoredTrades();
  const auto begin = std::chrono::steady_clock::now();
  fleet.AwaitTrades(total * 7 / 10);
  const long long stored = fleet.StoredTrades() - first;
  const e2e::Seconds elapsed = std::chrono::steady_clock::now() - begin;
  fleet.AwaitFinished(run);
  return static_cast<double>(stored) / elapsed.count();
}

}  // namespace

int main() {
  const double one = TradesPerSecond(1);
  const double ten = TradesPerSecond(10);
  bench::Report({"scale", ten, "trades/s", 10 * one, ten / (10 * one)});
}
