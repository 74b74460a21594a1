// Rows a second from an unlimited simulator through two workers into PostgreSQL, all on this
// machine; the reference is a bare binary COPY of the very same rows, in the same order, into the
// same indexed table, run before and after it.
#include <algorithm>

#include "bench/bare_copy.h"
#include "bench/report.h"
#include "common/check.h"
#include "common/postgres.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kWallets = 800;
constexpr int kFills = 2000000;
constexpr int kWorkers = 2;

double SecondsOfPipeline(e2e::Fleet& fleet) {
  const int run = fleet.StartRun();
  const auto begin = std::chrono::steady_clock::now();
  fleet.AwaitFinished(run);
  return e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main() {
  const auto server = tests::PostgresServer::Start(
      {.durable = true,
       .tcp = false,
       .settings = {"max_wal_size=8GB", "min_wal_size=2GB", "shared_buffers=512MB"}});
  e2e::Fleet fleet(**server, e2e::Timings::kProduction);
  fleet.StartSimulator({.wallets = kWallets, .fills = kFills, .seed = "4", .more = {}});
  fleet.StartCoordinator();
  for (int i = 1; i <= kWorkers; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(kWorkers);
  auto connection = common::PgConnection::Open(fleet.database_url());
  CHECK(connection.has_value());
  bench::WarmWal(*connection);
  const double pipeline_seconds = SecondsOfPipeline(fleet);
  const auto rows = static_cast<double>(fleet.StoredTrades());
  const std::vector<std::string> pieces = bench::CopyOut(*connection);
  double copy_seconds = bench::SecondsOfBareCopy(*connection, pieces);
  copy_seconds = std::min(copy_seconds, bench::SecondsOfBareCopy(*connection, pieces));
  bench::Report({"pipeline", rows / pipeline_seconds, "rows/s", rows / copy_seconds,
                 copy_seconds / pipeline_seconds});
  fleet.ExpectOracle();
}
