// Rows a second from an unlimited simulator through two workers into PostgreSQL, all on this
// machine; the reference is a bare binary COPY of the very same rows, in the same order, into the
// same indexed table, run before and after it.
#include <algorithm>
#include <memory>

#include "bench/report.h"
#include "common/check.h"
#include "common/postgres.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kWallets = 800;
constexpr int kFills = 2000000;

struct FreeBuffer {
  void operator()(char* buffer) const { PQfreemem(buffer); }
};

std::vector<std::string> CopyOut(PGconn* connection) {
  std::vector<std::string> pieces;
  const std::unique_ptr<PGresult, void (*)(PGresult*)> begun(
      PQexec(connection, "COPY trade TO STDOUT BINARY"), PQclear);
  char* buffer = nullptr;
  for (int size = PQgetCopyData(connection, &buffer, 0); size >= 0;
       size = PQgetCopyData(connection, &buffer, 0)) {
    const std::unique_ptr<char, FreeBuffer> piece(buffer);
    if (pieces.empty() || pieces.back().size() > (1U << 16U)) pieces.emplace_back();
    pieces.back().append(buffer, static_cast<std::size_t>(size));
  }
  while (PGresult* rest = PQgetResult(connection)) PQclear(rest);
  return pieces;
}

double SecondsOfBareCopy(e2e::Fleet& fleet, const std::vector<std::string>& pieces) {
  auto opened = common::PgConnection::Open(fleet.database_url());
  PGconn* connection = opened->handle();
  PQclear(PQexec(connection, "DROP TABLE IF EXISTS reference"));
  PQclear(PQexec(connection, "CREATE TABLE reference (LIKE trade INCLUDING ALL)"));
  PQclear(PQexec(connection, "CHECKPOINT"));
  const auto begin = std::chrono::steady_clock::now();
  PQclear(PQexec(connection, "COPY reference FROM STDIN BINARY"));
  for (const std::string& piece : pieces) {
    PQputCopyData(connection, piece.data(), static_cast<int>(piece.size()));
  }
  PQputCopyEnd(connection, nullptr);
  while (PGresult* result = PQgetResult(connection)) PQclear(result);
  return e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
}

// A server that has run for a while writes into WAL files that it has; a new one makes each first,
// and only the pipeline would pay for that.
void WarmWal(e2e::Fleet& fleet) {
  auto opened = common::PgConnection::Open(fleet.database_url());
  CHECK(opened.has_value());
  const common::Status warmed = opened->ExecScript(
      "CREATE TABLE warm AS SELECT n, repeat('w', 500) AS filler FROM generate_series(1, 2000000) "
      "n;"
      "DROP TABLE warm; CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT");
  CHECK(warmed.has_value());
}

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
  const int nw = std::getenv("NW") ? atoi(std::getenv("NW")) : 2;
  for (int i = 0; i < nw; ++i) fleet.StartWorker("worker-" + std::to_string(i + 1));
  fleet.AwaitWorkers(nw);
  WarmWal(fleet);
  const double pipeline_seconds = SecondsOfPipeline(fleet);
  const auto rows = static_cast<double>(fleet.StoredTrades());
  auto opened = common::PgConnection::Open(fleet.database_url());
  const std::vector<std::string> pieces = CopyOut(opened->handle());
  double copy_seconds = SecondsOfBareCopy(fleet, pieces);
  copy_seconds = std::min(copy_seconds, SecondsOfBareCopy(fleet, pieces));
  bench::Report({"pipeline", rows / pipeline_seconds, "rows/s", rows / copy_seconds,
                 copy_seconds / pipeline_seconds});
  fleet.ExpectOracle();
}
