// Everything without a list of wallets: markets, discovery, ranges, and all of it in one run.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/random.h"
#include "tests/e2e/fleet.h"

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
    fleet_->StartCoordinator();
    for (const char* worker : {"worker-1", "worker-2"}) fleet_->StartWorker(worker);
  }
  std::string Count(const std::string& table) {
    return fleet_->Value("SELECT count(*) FROM " + table);
  }
  // Lines that the simulator tells of a subject.
  std::string Told(const std::string& what) {
    const std::string text = fleet_->AskSimulator("/sim/oracle?what=" + what);
    return std::to_string(std::count(text.begin(), text.end(), '\n'));
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

TEST_F(UniverseTest, FullSurvivesKillsOfEverybody) {
  StartAll({.wallets = 120, .fills = 12000, .seed = "5", .more = {}}, {"--latency-ms", "250"});
  const int run = fleet_->StartAction({{"action", "full"}});
  common::Random random(7);
  int kills = 0;
  while (!fleet_->AwaitFinished(run, Seconds{1.0}) && kills < 12) {
    if (++kills % 3 == 0) {
      fleet_->coordinator().Kill9();
      fleet_->StartCoordinator();
      continue;
    }
    const std::string victim = "worker-" + std::to_string(random.Below(2) + 1);
    fleet_->worker(victim).Kill9();
    fleet_->StartWorker(victim);
  }
  EXPECT_GE(kills, 3);
  fleet_->ExpectOutcome(run, "complete");
  fleet_->ExpectOracle();
  EXPECT_EQ(Count("markets"), Told("markets"));
  EXPECT_EQ(Count("events"), Told("events"));
  EXPECT_EQ(Count("activity"), Told("activity"));
}

// While the world grows a refresh fetches what is new; nothing between two of them is lost.
TEST_F(UniverseTest, RefreshesCatchUpWithAWorldThatGrows) {
  StartAll({.wallets = 60, .fills = 4000, .seed = "6", .more = {}}, {"--live", "40"});
  fleet_->ExpectOutcome(fleet_->StartAction({{"action", "full"}}), "complete");
  const long long before = fleet_->StoredTrades();
  for (int i = 0; i < 3; ++i) {
    fleet_->ExpectOutcome(fleet_->StartAction({{"action", "refresh"}}), "complete");
  }
  EXPECT_GE(fleet_->StoredTrades(), before);
  EXPECT_EQ(Count("(SELECT wallet_id, ts, tx_head, event_key FROM trade GROUP BY 1, 2, 3, 4 "
                  "HAVING count(*) > 1) AS doubled"),
            "0");
  EXPECT_EQ(Count("sync_runs WHERE kind = 'refresh' AND outcome = 'complete'"), "3");
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
