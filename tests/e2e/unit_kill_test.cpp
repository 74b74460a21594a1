// A worker dies inside a unit of each kind, after some of it is stored: the unit goes on from
// there. Beside it stands a fleet that nothing happens to, and in the end both have told the same
// rows, each once.
#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "common/trade.h"
#include "sim/blocks.h"
#include "tests/e2e/proofs.h"
#include "tests/support/pgbouncer.h"

namespace e2e {
namespace {

struct Kind {
  const char* name;
  const char* kind;     // of the chunks
  const char* action;   // its run; "retry": of all conditions, without what comes before them
  const char* source;   // where it has one
  const char* content;  // what it fills, a row of text each
  int latency_ms;       // so slow that a unit is stored in several batches
  int commits;          // after so many the first big unit is stored in part
  WorldSize world;
};

constexpr char kMarkets[] =
    "SELECT concat_ws('|', condition_id, slug, question, category, closed, outcomes) FROM markets";
// Who finds a wallet first depends on which condition is asked for first.
constexpr char kWallets[] =
    "SELECT hex0x(w.address) || ' ' || coalesce(d.seen_ts, 0) FROM wallet w "
    "LEFT JOIN wallet_due d USING (wallet_id)";
constexpr char kTrades[] =
    "SELECT concat_ws('|', wallet_address, token_id, transaction_hash, traded_at, log_index, size, "
    "usdc_amount, fee, role, side) FROM trades_raw";
constexpr char kActivity[] =
    "SELECT concat_ws('|', wallet_address, type, condition_id, token_id, transaction_hash, size, "
    "usdc_amount, happened_at) FROM wallet_activity";
constexpr char kPositions[] =
    "SELECT concat_ws('|', wallet_address, token_id, status, total_size, avg_price, realized_pnl) "
    "FROM api_positions_staging";

const WorldSize kFewMarkets = {
    .wallets = 12, .fills = 8000, .seed = "3", .more = {"--markets", "4"}};
const WorldSize kManyMarkets = {
    .wallets = 5, .fills = 200, .seed = "3", .more = {"--markets", "500"}};
const WorldSize kManyMoves = {
    .wallets = 1, .fills = 4000, .seed = "3", .more = {"--markets", "400"}};
// Of 5,000 fills many are in one second.
const WorldSize kBurst = {.wallets = 12, .fills = 5000, .seed = "3", .more = {}};

class UnitKillTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
  }

  std::unique_ptr<Fleet> Start() {
    auto fleet = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
    fleet->StartSimulator(GetParam().world,
                          {"--rpc-head-after-newest", "600", "--rpc-max-blocks", "4000"});
    fleet->StartCoordinator();
    return fleet;
  }
  // What the kind needs to be there before it.
  void Prepare(Fleet& fleet) {
    fleet.StartWorker("before");
    const std::string kind = GetParam().kind;
    if (kind == "holders") {
      fleet.ExpectOutcome(fleet.StartAction({{"action", "markets"}}), "complete");
    }
    if (kind == "activity" || kind == "positions") {
      fleet.ExpectOutcome(fleet.StartRun(), "complete");
    }
    fleet.worker("before").Kill9();
  }
  int Begin(Fleet& fleet) {
    const Kind& kind = GetParam();
    if (kind.action == std::string("retry")) {
      fleet.Value("INSERT INTO work_unit (kind, task, status) SELECT '" + std::string(kind.kind) +
                  "', hex0x(condition_id), 3 FROM market");
      return fleet.Post("/api/admin/retry", {{"all", true}})["run"].get<int>();
    }
    Json wish = {{"action", kind.action}};
    const std::string source = kind.source;
    if (!source.empty()) {
      // Around the second with the most fills there is more than a page.
      const long long second = BusiestSecond(fleet);
      const bool has_blocks = source == "rpc";
      wish["source"] = source;
      wish["from"] = has_blocks ? sim::BlockAt(second) - 5 : second - 40'000;
      wish["to"] = has_blocks ? sim::BlockAt(second) + 40'000 : second + 40'000;
    }
    return fleet.StartAction(wish);
  }
  static long long BusiestSecond(Fleet& fleet) {
    std::map<long long, int> seconds;
    std::istringstream oracle(fleet.AskSimulator("/sim/oracle?source=subgraph"));
    for (std::string line; std::getline(oracle, line);) {
      ++seconds[std::stoll(line.substr(line.find('\t') + 1))];
    }
    return std::max_element(seconds.begin(), seconds.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }
  static bool IsInsideOfAUnit(Fleet& fleet) {
    return fleet.Value(
               "SELECT count(*) FROM work_unit WHERE position <> '' AND rows > 0 "
               "AND status = 1 AND kind = '" +
               std::string(GetParam().kind) + "'") != "0";
  }
  static std::string RowsTold(Fleet& fleet) {
    return fleet.Value(
        "SELECT string_agg(task || ' ' || rows, E'\\n' ORDER BY task) FROM work_unit "
        "WHERE kind = '" +
        std::string(GetParam().kind) + "' AND status = 2");
  }
  static std::string Content(Fleet& fleet) {
    return fleet.Value(
        "SELECT count(*) || ' ' || md5(string_agg(row, E'\\n' ORDER BY row)) FROM (" +
        std::string(GetParam().content) + ") AS x(row)");
  }
};

TEST_P(UnitKillTest, GoesOnWhereItWasStored) {
  const auto calm = Start();
  Prepare(*calm);
  calm->StartWorker("worker-1");
  calm->ExpectOutcome(Begin(*calm), "complete");

  // Where the machine stalls, a unit may be over when the first of it is stored: then once more,
  // with an upstream that is slower yet.
  std::unique_ptr<Fleet> fleet;
  int run = 0;
  bool is_inside = false;
  for (int latency_ms = GetParam().latency_ms;
       latency_ms <= 4 * GetParam().latency_ms && !is_inside; latency_ms *= 2) {
    fleet = Start();
    Prepare(*fleet);
    fleet->SetFaults({{"latency_ms", latency_ms}});
    fleet->StartWorker(
        "worker-1",
        {{"SEINE_FAILPOINTS", "after_commit@" + std::to_string(GetParam().commits) + "=kill"}});
    run = Begin(*fleet);
    ASSERT_EQ(fleet->worker("worker-1").Wait(kRunDeadline), 128 + SIGKILL);
    is_inside = IsInsideOfAUnit(*fleet);
  }
  EXPECT_TRUE(is_inside);
  fleet->SetFaults(Json::object());
  fleet->StartWorker("worker-1");
  fleet->ExpectOutcome(run, "complete");

  EXPECT_EQ(RowsTold(*fleet), RowsTold(*calm)) << "a walk that starts over tells rows again";
  EXPECT_EQ(Content(*fleet), Content(*calm));
  ExpectCounted(*fleet);
}

INSTANTIATE_TEST_SUITE_P(
    Each, UnitKillTest,
    testing::Values(Kind{"Markets", "markets", "markets", "", kMarkets, 300, 1, kManyMarkets},
                    Kind{"Holders", "holders", "retry", "", kWallets, 150, 1, kFewMarkets},
                    Kind{"Seconds", "range", "range", "subgraph", kTrades, 1200, 1, kBurst},
                    Kind{"Blocks", "range", "range", "rpc", kTrades, 150, 1, kBurst},
                    Kind{"Activity", "activity", "activity", "", kActivity, 1000, 1, kManyMoves},
                    Kind{"Positions", "positions", "positions", "", kPositions, 800, 1,
                         kFewMarkets}),
    [](const auto& kind) { return std::string(kind.param.name); });

// Every stage through the pooler, whose transactions run in any of a few sessions.
TEST(UnitPoolerTest, EveryKindOfUnitWorksBehindPgBouncer) {
  tests::PostgresServer* const postgres = tests::PostgresServer::Shared();
  if (postgres == nullptr) GTEST_SKIP() << "PostgreSQL is not installed here";
  const auto bouncer = tests::PgBouncer::Start(*postgres);
  if (!bouncer) GTEST_SKIP() << bouncer.error().message;
  Fleet fleet(*postgres);
  const std::string direct = fleet.database_url();
  fleet.UseDatabaseUrl((*bouncer)->Url(fleet.Value("SELECT current_database()")));
  fleet.StartSimulator({.wallets = 25, .fills = 2500, .seed = "13", .more = {}},
                       {"--latency-ms", "60"});
  fleet.StartCoordinator();
  for (const char* worker : {"worker-1", "worker-2"}) fleet.StartWorker(worker);
  constexpr std::int64_t kDays = 60;
  fleet.ExpectOutcome(fleet.StartAction({{"action", "range"},
                                         {"source", "subgraph"},
                                         {"from", common::kV1Cutover - kDays * 24 * 3600}}),
                      "complete");
  EXPECT_GT(fleet.StoredTrades(), 0);
  const int run = fleet.StartAction({{"action", "full"}});
  ASSERT_TRUE(Eventually(kRunDeadline, [&] {
    return fleet.Value("SELECT stage > 2 FROM run ORDER BY run_id DESC LIMIT 1") == "t";
  }));
  fleet.worker("worker-1").Kill9();
  fleet.StartWorker("worker-1");
  fleet.ExpectOutcome(run, "complete");
  fleet.UseDatabaseUrl(direct);
  fleet.ExpectOracle();
  ExpectHonest(fleet);
  ExpectOneOwner(fleet);
  ExpectCounted(fleet);
  const auto told = [&fleet](const std::string& what) {
    const std::string text = fleet.AskSimulator("/sim/oracle?what=" + what);
    return std::to_string(std::count(text.begin(), text.end(), '\n'));
  };
  // The CLOB alone knows some markets.
  EXPECT_EQ(fleet.Value("SELECT count(*) FROM markets WHERE market_id IS NOT NULL"),
            told("markets"));
  EXPECT_EQ(fleet.Value("SELECT count(*) FROM activity"), told("activity"));
}

}  // namespace
}  // namespace e2e
