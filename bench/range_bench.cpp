// Rows a second of a backfill by ranges, from an unlimited simulator through two workers into
// PostgreSQL, all on this machine: by seconds from the subgraph, and by blocks from JSON-RPC. The
// reference is a bare binary COPY of the very same rows, in the same order, into the same indexed
// table.
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

void Measure(tests::PostgresServer& server, const std::string& source, bench::Rounds& rounds) {
  e2e::Fleet fleet(server, e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = kWallets, .fills = kFills, .seed = "11", .more = {}},
                       {"--rpc-log-times", "--rpc-head-after-newest", "500"});
  fleet.StartCoordinator({"--schedule", "off"});
  for (int i = 1; i <= kWorkers; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(kWorkers);
  // As in `seine full`: what the tokens are is known before their trades come.
  CHECK(fleet.AwaitFinished(fleet.StartAction({{"action", "markets"}})));
  const auto begin = std::chrono::steady_clock::now();
  const int run = fleet.StartAction({{"action", "range"}, {"source", source}});
  CHECK(fleet.AwaitFinished(run));
  const double seconds = e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
  CHECK(fleet.Run(run).value("outcome", "") == "complete");
  const auto rows = static_cast<double>(fleet.StoredTrades());
  rounds.Add(rows / seconds, rows / bench::SecondsOfBareCopy(fleet.database_url()));
  fleet.ExpectOracle(source);
}

}  // namespace

int main() {
  const auto server = bench::StartServer();
  bench::Rounds by_seconds;
  bench::Rounds by_blocks;
  for (int round = 0; round < kRounds; ++round) {
    Measure(*server, "subgraph", by_seconds);
    Measure(*server, "rpc", by_blocks);
  }
  by_seconds.Tell("range", "rows/s");
  by_blocks.Tell("range_rpc", "rows/s");
}
