// Everything without a list of wallets: markets, discovery, ranges, and all of it in one run.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "common/postgres.h"
#include "tests/e2e/proofs.h"

namespace e2e {
namespace {

class UniverseTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  }

  void StartAll(const WorldSize& world, const Arguments& simulator = {}) {
    fleet_->StartSimulator(world, simulator);
    fleet_->StartCoordinator({"--rate", "dome=0"});
    for (const char* worker : {"worker-1", "worker-2"}) StartWorker(worker);
  }
  void StartWorker(const std::string& worker) {
    fleet_->StartWorker(worker, {{"SEINE_DOME_KEY", "a-key-of-tests"}});
  }
  std::string Count(const std::string& table) {
    return fleet_->Value("SELECT count(*) FROM " + table);
  }

  std::unique_ptr<Fleet> fleet_;
};

// One world, told four ways. The archive ends at the cutover; rows of the Data API have neither log
// index nor order hash nor fee; a node tells everything. Each is compared with all that it tells.
struct Way {
  const char* name;
  const char* action;
  const char* source;
  const char* oracle;
};

class WaysTest : public UniverseTest, public testing::WithParamInterface<Way> {};

TEST_P(WaysTest, TellsTheSameTrades) {
  const Way& way = GetParam();
  StartAll({.wallets = 30, .fills = 5000, .seed = "11", .more = {}},
           {"--rpc-head-after-newest", "600", "--rpc-max-blocks", "500000"});
  const bool is_walk = way.action == std::string("process");
  const int run = is_walk ? fleet_->StartRun(way.source)
                          : fleet_->StartAction({{"action", way.action}, {"source", way.source}});
  fleet_->ExpectOutcome(run, "complete");
  fleet_->ExpectOracle(way.oracle);
  EXPECT_EQ(Count(std::string("trades_raw WHERE source <> '") + way.oracle + "'"), "0");
  // A sync of the wallets after it doubles nothing and loses nothing.
  const std::string before = Count("trade");
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  fleet_->ExpectOracle("data-api");
  EXPECT_GE(std::stoll(Count("trade")), std::stoll(before));
}

INSTANTIATE_TEST_SUITE_P(Each, WaysTest,
                         testing::Values(Way{"Wallets", "process", "data-api", "data-api"},
                                         Way{"Archive", "process", "subgraph", "subgraph"},
                                         Way{"Seconds", "range", "subgraph", "subgraph"},
                                         Way{"Blocks", "range", "rpc", "rpc"}),
                         [](const auto& way) { return std::string(way.param.name); });

// The fifth: its newest second may still go on, so that is left to the next sync.
TEST_F(UniverseTest, DomeTellsTheSameTradesUpToItsNewestSecond) {
  StartAll({.wallets = 30, .fills = 5000, .seed = "11", .more = {}});
  long long newest = 0;
  std::istringstream oracle(fleet_->AskSimulator("/sim/oracle?source=dome"));
  for (std::string line; std::getline(oracle, line);) {
    newest = std::max(newest, std::stoll(line.substr(line.find('\t') + 1)));
  }
  fleet_->ExpectOutcome(fleet_->StartRun("dome"), "complete");
  EXPECT_EQ(Count("trades_raw WHERE source <> 'dome'"), "0");
  EXPECT_EQ(ExpectHonest(*fleet_), 30);
  EXPECT_EQ(Count("wallet_sync_metadata WHERE complete_to <> to_timestamp(" +
                  std::to_string(newest - 1) + ")"),
            "0");
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  fleet_->ExpectOracle("data-api");
}

class FullTest : public UniverseTest {
 protected:
  std::string Stage(int run) {
    return fleet_->Value("SELECT stages[stage] FROM run WHERE run_id = " + std::to_string(run));
  }
  // Until somebody works on it.
  bool AwaitStage(int run, const std::string& stage) {
    const std::string leases =
        "SELECT count(*) FROM chunk c JOIN run r USING (run_id, stage) WHERE c.state = 'leased' "
        "AND "
        "stages[stage] = '" +
        stage + "' AND run_id = " + std::to_string(run);
    return Eventually(kRunDeadline, [&] { return fleet_->Value(leases) > "0"; });
  }
  // Stored rows are those that the simulator tells of a subject; `sql` names its first fields, as
  // many as `fields`.
  void ExpectTold(const std::string& what, std::ptrdiff_t fields, const std::string& sql) {
    std::vector<std::string> told;
    std::istringstream oracle(fleet_->AskSimulator("/sim/oracle?what=" + what));
    for (std::string line; std::getline(oracle, line);) {
      auto end = line.begin();
      for (std::ptrdiff_t i = 0; i < fields && end != line.end(); ++i) {
        end = std::find(end + (i > 0 ? 1 : 0), line.end(), '\t');
      }
      told.emplace_back(line.begin(), end);
    }
    std::sort(told.begin(), told.end());
    EXPECT_FALSE(told.empty()) << what;
    auto connection = common::PgConnection::Open(fleet_->database_url());
    ASSERT_TRUE(connection.has_value());
    const auto rows = connection->Exec("SELECT concat_ws(E'\\t', " + sql);
    ASSERT_TRUE(rows.has_value()) << rows.error().message;
    std::vector<std::string> stored;
    for (int row = 0; row < rows->size(); ++row) stored.emplace_back(rows->Text(row, 0));
    std::sort(stored.begin(), stored.end());
    EXPECT_EQ(stored.size(), told.size()) << what;
    const auto [ours, theirs] =
        std::mismatch(stored.begin(), stored.end(), told.begin(), told.end());
    if (ours != stored.end()) ADD_FAILURE() << what << ", stored: " << *ours;
    if (theirs != told.end()) ADD_FAILURE() << what << ", told: " << *theirs;
  }
};

// A worker dies in the middle of its work, the coordinator as soon as nothing can end any more: the
// run is in the same stage before and after both.
TEST_F(FullTest, FullSurvivesKillsOfEverybodyInEveryStage) {
  StartAll({.wallets = 120, .fills = 12000, .seed = "5", .more = {}}, {"--latency-ms", "250"});
  const int run = fleet_->StartAction({{"action", "full"}});
  int deaths = 0;
  for (const char* stage : {"markets", "holders", "trades", "activity", "positions"}) {
    ASSERT_TRUE(AwaitStage(run, stage)) << stage << ": " << fleet_->Run(run).dump();
    const std::string victim = "worker-" + std::to_string(++deaths % 2 + 1);
    fleet_->worker(victim).Kill9();
    fleet_->HoldUpstream();
    fleet_->coordinator().Kill9();
    EXPECT_EQ(Stage(run), stage) << "they were killed later";
    fleet_->StartCoordinator();
    StartWorker(victim);
    fleet_->ReleaseUpstream();
  }
  fleet_->ExpectOutcome(run, "complete");
  fleet_->ExpectOracle();
  ExpectTold("markets", 6,
             "condition_id, market_id, question_id, slug, event_id, category) FROM markets");
  ExpectTold("events", 3, "event_id, slug, title) FROM events");
  ExpectTold("tokens", 4,
             "token_id, condition_id, outcome_index, outcome) FROM tokens WHERE is_known");
  ExpectTold("wallets", 1, "wallet_address) FROM wallets");
  ExpectTold("activity", 4,
             "wallet_address, extract(epoch FROM happened_at)::bigint, transaction_hash, type) "
             "FROM wallet_activity");
  ExpectTold("positions", 5,
             "wallet_address, token_id, condition_id, status, (size * 1000000)::bigint) "
             "FROM api_positions_staging");
}

// Real Gamma pages, replayed as a keyset walk.
TEST_F(UniverseTest, TheRecordedPagesBecomeTheirMarkets) {
  namespace fs = std::filesystem;
  const char* shared = std::getenv("SEINE_SHARED_DATA");
  const fs::path recordings = shared != nullptr ? shared : SEINE_SOURCE_DIR "/../shared/data";
  const fs::path pages = "gamma/gamma_markets_open_2026-03-11.pages.jsonl.zst";
  if (!fs::exists(recordings / pages)) GTEST_SKIP() << "no recordings in " << recordings;
  const fs::path alone = fleet_->directory() + "/recordings";
  fs::create_directories((alone / pages).parent_path());
  fs::create_symlink(fs::canonical(recordings / pages), alone / pages);
  StartAll({.wallets = 1, .fills = 1, .seed = "1", .more = {"--recorded", alone.string()}});
  fleet_->ExpectOutcome(fleet_->StartAction({{"action", "markets"}}), "complete");
  EXPECT_EQ(Count("markets"), "35955");
  EXPECT_EQ(Count("tokens"), "71910");
  EXPECT_EQ(Count("events"), "8183");
}

}  // namespace
}  // namespace e2e
