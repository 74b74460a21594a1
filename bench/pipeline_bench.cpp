// Rows a second from an unlimited simulator through two workers into PostgreSQL, all on this
// machine; the reference is a bare binary COPY of the very same rows, in the same order, into the
// same indexed table.
#include "bench/bare_copy.h"
#include "bench/report.h"
#include "bench/server.h"
#include "common/check.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kRounds = 3;
constexpr int kWallets = 800;
constexpr int kFills = 2'000'000;
constexpr int kWorkers = 2;

void Measure(tests::PostgresServer& server, bench::Rounds& rounds) {
  e2e::Fleet fleet(server, e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = kWallets, .fills = kFills, .seed = "4", .more = {}});
  fleet.StartCoordinator();
  for (int i = 1; i <= kWorkers; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(kWorkers);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(fleet.AwaitFinished(fleet.StartRun()));
  const double seconds = e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
  const auto rows = static_cast<double>(fleet.StoredTrades());
  rounds.Add(rows / seconds, rows / bench::SecondsOfBareCopy(fleet.database_url()));
  fleet.ExpectOracle();
}

}  // namespace

int main() {
  const auto server = bench::StartServer();
  bench::Rounds rounds;
  for (int round = 0; round < kRounds; ++round) Measure(*server, rounds);
  rounds.Tell("pipeline", "rows/s");
}
