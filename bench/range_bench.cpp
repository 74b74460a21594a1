// Rows a second of a backfill by ranges, from an unlimited simulator through two workers into
// PostgreSQL, all on this machine: by seconds from the subgraph, and by blocks from JSON-RPC. The
// reference is a bare binary COPY of the very same rows, in the same order, into the same indexed
// table.
#include <algorithm>

#include "bench/bare_copy.h"
#include "bench/report.h"
#include "common/check.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kWallets = 800;
constexpr int kFills = 2'000'000;
constexpr int kWorkers = 2;

void Measure(tests::PostgresServer& server, const std::string& source, const std::string& name) {
  e2e::Fleet fleet(server, e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = kWallets, .fills = kFills, .seed = "11", .more = {}},
                       {"--rpc-log-times", "--rpc-head-after-newest", "500"});
  fleet.StartCoordinator({"--schedule", "off"});
  for (int i = 1; i <= kWorkers; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(kWorkers);
  // As in `seine full`: what the tokens are is known before their trades come.
  fleet.AwaitFinished(fleet.StartAction({{"action", "markets"}}));
  auto connection = common::PgConnection::Open(fleet.database_url());
  CHECK(connection.has_value());
  bench::WarmWal(*connection);
  const auto begin = std::chrono::steady_clock::now();
  const int run = fleet.StartAction({{"action", "range"}, {"source", source}});
  fleet.AwaitFinished(run);
  const double seconds = e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
  CHECK(fleet.Run(run).value("outcome", "") == "complete");
  const auto rows = static_cast<double>(fleet.StoredTrades());
  const std::vector<std::string> pieces = bench::CopyOut(*connection);
  double copy = bench::SecondsOfBareCopy(*connection, pieces);
  copy = std::min(copy, bench::SecondsOfBareCopy(*connection, pieces));
  bench::Report({name, rows / seconds, "rows/s", rows / copy, copy / seconds});
  fleet.ExpectOracle(source);
}

}  // namespace

int main() {
  const auto server = tests::PostgresServer::Start(
      {.durable = true,
       .tcp = false,
       .settings = {"max_wal_size=8GB", "min_wal_size=2GB", "shared_buffers=512MB"}});
  CHECK(server.has_value());
  Measure(**server, "subgraph", "range");
  Measure(**server, "rpc", "range_rpc");
}
