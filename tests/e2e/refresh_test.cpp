// The world grows while it is copied: `seine refresh` catches up, and says how far behind it is.
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "common/clock.h"
#include "sim/blocks.h"
#include "tests/e2e/proofs.h"

namespace e2e {
namespace {

// How the copy came to be, and how it is refreshed. By default: by blocks where those have begun.
struct Past {
  const char* name;
  const char* full_source;
  bool has_blocks;
  const char* refresh_source;
};

class RefreshTest : public testing::TestWithParam<Past> {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
    // A block that is still being made is never old enough to be told.
    fleet_->StartSimulator(
        {.wallets = 40, .fills = 3000, .seed = "31", .more = {}},
        {"--live", "25", "--rpc-head-after-newest", "255", "--rpc-max-blocks", "500000"});
    fleet_->StartCoordinator();
    for (const char* worker : {"worker-1", "worker-2"}) fleet_->StartWorker(worker);
  }

  // What the command prints.
  std::string Refresh() {
    const std::string log = fleet_->directory() + "/refresh.txt";
    std::ofstream(log, std::ios::trunc).close();
    Process command({std::string(SEINE_BIN_DIR) + "/seine", "refresh", "--all", "--source",
                     GetParam().refresh_source, "--http", fleet_->HttpAddress(), "--state-dir",
                     fleet_->StateDirectory()},
                    {}, log);
    EXPECT_EQ(command.Wait(kRunDeadline), 0);
    std::ostringstream text;
    text << std::ifstream(log).rdbuf();
    EXPECT_NE(text.str().find("Complete: refresh"), std::string::npos) << text.str();
    return text.str();
  }
  void ExpectOrder() {
    ExpectHonest(*fleet_);
    ExpectOneOwner(*fleet_);
    ExpectCounted(*fleet_);
  }
  // Of every trade that there is.
  std::multiset<long long> SecondsOfTrades() {
    std::multiset<long long> seconds;
    std::istringstream oracle(fleet_->AskSimulator("/sim/oracle?source=data-api"));
    for (std::string line; std::getline(oracle, line);) {
      seconds.insert(std::stoll(line.substr(line.find('\t') + 1)));
    }
    return seconds;
  }
  long long NewestStored() { return std::stoll(fleet_->Value("SELECT max(ts) FROM trade")); }

  std::unique_ptr<Fleet> fleet_;
};

TEST_P(RefreshTest, LosesNothingAndCatchesUp) {
  const Past& past = GetParam();
  fleet_->ExpectOutcome(fleet_->StartAction({{"action", "full"}, {"source", past.full_source}}),
                        "complete");
  if (past.has_blocks) {
    const std::int64_t hour_ago = common::SystemClock().WallNow() - 3600;
    fleet_->ExpectOutcome(
        fleet_->StartAction(
            {{"action", "range"}, {"source", "rpc"}, {"from", sim::BlockAt(hour_ago)}}),
        "complete");
  }
  ExpectOrder();
  const std::multiset<long long> first = SecondsOfTrades();
  for (int i = 0; i < 3; ++i) {
    const std::multiset<long long> before = SecondsOfTrades();
    const std::string told = Refresh();
    const std::size_t line = told.find("Newest trade: ");
    ASSERT_NE(line, std::string::npos) << told;
    std::cout << told.substr(line) << std::flush;
    // All but the block that was the newest when it began: a node is asked behind the head.
    EXPECT_GE(NewestStored(), *std::prev(before.lower_bound(*before.rbegin())));
    ExpectOrder();
  }
  // Refreshes are quick: all three may fall into one block.
  EXPECT_TRUE(Eventually(Seconds{30}, [&] {
    return *SecondsOfTrades().rbegin() > *first.rbegin();
  })) << "the world did not grow";
  fleet_->TellSimulator("/sim/live", {{"growing", false}, {"head_after_newest", 600}});
  Refresh();
  ExpectOrder();
  fleet_->ExpectOracle();
  const std::multiset<long long> last = SecondsOfTrades();
  EXPECT_EQ(NewestStored(), *last.rbegin());
  EXPECT_GT(last.size(), first.size());
}

INSTANTIATE_TEST_SUITE_P(Each, RefreshTest,
                         testing::Values(Past{"Feeds", "auto", false, "data-api"},
                                         Past{"SecondsThenFeeds", "subgraph", false, "subgraph"},
                                         Past{"FeedsThenBlocks", "auto", true, "auto"}),
                         [](const auto& past) { return std::string(past.param.name); });

}  // namespace
}  // namespace e2e
