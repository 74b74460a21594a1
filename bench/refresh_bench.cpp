// Seconds for a refresh by blocks that finds 10,000 new rows while 1,000,000 wallets are known,
// against the same with 10,000: what a refresh costs follows what is new. Known wallets are in the
// tables as a sync would have left them; everything else is real programs. Rounds alternate;
// medians are told.
#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "bench/report.h"
#include "bench/server.h"
#include "common/check.h"
#include "common/postgres.h"
#include "sim/blocks.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr int kFew = 10'000;
constexpr int kMany = 1'000'000;
constexpr std::size_t kNewRows = 10'000;
constexpr int kRounds = 21;  // of half a second each, of which a tick of a timer is a good part

const e2e::WorldSize kWorld = {
    .wallets = 5000, .fills = 1'000'000, .seed = "13", .more = {"--markets", "300"}};
const e2e::Arguments kChain = {"--rpc-log-times", "--rpc-head-after-newest", "500"};

// Where the chain had been read to: what is behind it are the newest rows, as many as are wanted.
struct Known {
  long long until = 0;
  long long block = 0;
  std::size_t new_rows = 0;
  std::vector<std::string> wallets;
};

common::PgConnection Open(const std::string& url) {
  auto connection = common::PgConnection::Open(url);
  CHECK(connection.has_value());
  return std::move(*connection);
}

void Exec(common::PgConnection& connection, const std::string& script) {
  const common::Status done = connection.ExecScript(script);
  if (!done) std::cerr << done.error().message << "\n";
  CHECK(done.has_value());
}

Known ReadWorld(tests::PostgresServer& server) {
  e2e::Fleet fleet(server);
  fleet.StartSimulator(kWorld, kChain);
  const std::string oracle = fleet.AskSimulator("/sim/oracle?source=rpc");
  std::vector<long long> seconds;
  for (std::size_t from = 0; from < oracle.size();) {
    const std::size_t tab = oracle.find('\t', from);
    seconds.push_back(std::stoll(oracle.substr(tab + 1, 12)));
    from = std::min(oracle.find('\n', tab), oracle.size() - 1) + 1;
  }
  CHECK(seconds.size() > 2 * kNewRows);
  std::sort(seconds.begin(), seconds.end());
  Known known;
  // A second is new as a whole.
  known.until = seconds[seconds.size() - kNewRows] - 1;
  known.block = sim::BlockAt(known.until + 1) - 1;
  known.new_rows = static_cast<std::size_t>(
      seconds.end() - std::upper_bound(seconds.begin(), seconds.end(), known.until));
  known.wallets = fleet.Wallets();
  return known;
}

// A database in which so many wallets are known and have been synced; its name.
std::string Fill(tests::PostgresServer& server, const Known& known, int wallets) {
  auto connection = Open(server.CreateDatabase());
  Exec(connection, "CREATE TEMP TABLE named (address text)");
  std::string values;
  for (const std::string& wallet : known.wallets) {
    values += fmt::format("{}('{}')", values.empty() ? "" : ",", wallet);
  }
  Exec(connection, "INSERT INTO named VALUES " + values);
  const std::string script = fmt::format(
      "INSERT INTO wallet (address, discovered_by) SELECT decode(substr(address, 3), 'hex'), "
      "'list' FROM named;"
      "INSERT INTO wallet (address, discovered_by) SELECT substring(sha256(n::text::bytea) FOR 20),"
      " 'list' FROM generate_series(1, {} - (SELECT count(*) FROM wallet)) n;"
      "INSERT INTO token (token, token_id) VALUES (decode(repeat('ee', 32), 'hex'), 'filler');"
      "INSERT INTO trade SELECT 1, 1, NULL, {} - 1000, wallet_id, wallet_id, wallet_id, "
      "(SELECT token_key FROM token), NULL, '0', '0', '2', '2', decode(repeat('ee', 24), 'hex') "
      "FROM wallet;"
      "INSERT INTO wallet_sync (wallet_id, status, trades_stored, volume, last_trade_ts, "
      "complete_to, last_synced_at) SELECT wallet_id, 2, 1, 1, {} - 1000, {}, now() FROM wallet;"
      "INSERT INTO wallet_cursor SELECT wallet_id, 2, 1, {}, '', 1 FROM wallet;"
      "INSERT INTO coverage VALUES (3, 1, {}, {});",
      wallets, known.until, known.until, known.until, known.until, known.until, known.block);
  Exec(connection, script);
  Exec(connection, "DROP TABLE named");
  Exec(connection, "VACUUM ANALYZE");
  return std::string(connection.Exec("SELECT current_database()")->Text(0, 0));
}

double SecondsToRefresh(tests::PostgresServer& server, const std::string& filled,
                        const Known& known) {
  static int number = 0;
  const std::string name = fmt::format("refresh_{}", ++number);
  auto admin = Open(server.Url());
  Exec(admin, fmt::format("CREATE DATABASE {} TEMPLATE {}", name, filled));
  Exec(admin, "CHECKPOINT");
  e2e::Fleet fleet(server, e2e::Timings::kProduction);
  fleet.UseDatabaseUrl(server.Url(name));
  fleet.StartSimulator(kWorld, kChain);
  fleet.StartCoordinator({"--schedule", "off"});
  for (int i = 1; i <= 2; ++i) fleet.StartWorker("worker-" + std::to_string(i));
  fleet.AwaitWorkers(2);
  const long long before = fleet.StoredTrades();  // reads the table into memory, too
  const auto begin = std::chrono::steady_clock::now();
  const int run = fleet.StartAction({{"action", "refresh"}, {"source", "rpc"}});
  fleet.AwaitFinished(run);
  const double seconds = e2e::Seconds(std::chrono::steady_clock::now() - begin).count();
  const e2e::Json row = fleet.Run(run);
  if (row.value("outcome", "") != "complete") std::cerr << row.dump() << "\n";
  CHECK(row.value("outcome", "") == "complete");
  CHECK(fleet.StoredTrades() - before == static_cast<long long>(known.new_rows));
  std::cout << fmt::format("  {}: {:.2f} s, {} new rows\n", filled, seconds, known.new_rows);
  return seconds;
}

}  // namespace

int main() {
  const auto server = bench::StartServer("1GB");
  const Known known = ReadWorld(*server);
  const std::string few = Fill(*server, known, kFew);
  const std::string many = Fill(*server, known, kMany);
  std::vector<double> of_few;
  std::vector<double> of_many;
  for (int round = 0; round < kRounds; ++round) {
    of_few.push_back(SecondsToRefresh(*server, few, known));
    of_many.push_back(SecondsToRefresh(*server, many, known));
  }
  const double seconds = bench::Median(of_many);
  const double reference = bench::Median(of_few);
  bench::Report({"refresh", seconds, "s", reference, seconds / reference});
}
