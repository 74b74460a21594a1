// Ranges and wallet syncs over the same time: who owns what, and what is called complete.
#include <gtest/gtest.h>

#include "common/trade.h"
#include "sim/blocks.h"
#include "tests/e2e/proofs.h"

namespace e2e {
namespace {

constexpr std::int64_t kDay = std::int64_t{24} * 3600;

class RangeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  }

  void StartAll(const Arguments& simulator = {"--rpc-head-after-newest", "600"}) {
    Arguments arguments = simulator;
    arguments.insert(arguments.end(), {"--rpc-max-blocks", "500000"});
    fleet_->StartSimulator({.wallets = 40, .fills = 4000, .seed = "23", .more = {}}, arguments);
    fleet_->StartCoordinator();
    for (const char* worker : {"worker-1", "worker-2"}) fleet_->StartWorker(worker);
  }

  void Sync(const std::string& source) {
    fleet_->ExpectOutcome(fleet_->StartRun(source), "complete");
    ExpectOrder("sync by " + source);
  }
  void SyncSome(const std::vector<std::string>& wallets, const std::string& source) {
    fleet_->ExpectOutcome(fleet_->StartRunOf(wallets, source), "complete");
    ExpectOrder("sync of some by " + source);
  }
  void Range(const std::string& source, std::optional<std::int64_t> from = {},
             std::optional<std::int64_t> to = {}) {
    Json wish = {{"action", "range"}, {"source", source}};
    if (from) wish["from"] = *from;
    if (to) wish["to"] = *to;
    fleet_->ExpectOutcome(fleet_->StartAction(wish), "complete");
    ExpectOrder("range of " + source);
  }
  void Refresh() {
    fleet_->ExpectOutcome(fleet_->StartAction({{"action", "refresh"}}), "complete");
    ExpectOrder("refresh");
  }
  // After each step, whatever it was.
  void ExpectOrder(const std::string& step) {
    SCOPED_TRACE("after: " + step);
    complete_ = ExpectHonest(*fleet_);
    ExpectOneOwner(*fleet_);
    ExpectCounted(*fleet_);
  }
  std::vector<std::string> EverySecondWallet() {
    const std::vector<std::string> all = fleet_->Wallets();
    std::vector<std::string> some;
    for (std::size_t i = 0; i < all.size(); i += 2) some.push_back(all[i]);
    return some;
  }
  // Wallets that anything is known of, and that nobody calls complete.
  std::string Open() {
    return fleet_->Value("SELECT count(*) FROM wallet_sync_metadata WHERE complete_to IS NULL");
  }

  std::unique_ptr<Fleet> fleet_;
  int complete_ = 0;  // wallets, after the last step
};

TEST_F(RangeTest, WalletsThenBlocksThenWalletsAgain) {
  StartAll();
  Sync("subgraph");
  Range("rpc", sim::BlockAt(common::kV1Cutover) - 100'000);
  fleet_->ExpectOracle();
  Sync("data-api");
  fleet_->ExpectOracle();
  EXPECT_EQ(Open(), "0");
  Range("rpc");
  Sync("auto");
  fleet_->ExpectOracle();
}

TEST_F(RangeTest, WalletsOfTwoSourcesThenSecondsThenBlocks) {
  StartAll();
  SyncSome(EverySecondWallet(), "data-api");
  Range("subgraph");
  Range("rpc", sim::BlockAt(common::kV1Cutover - 10 * kDay));
  Range("rpc", sim::BlockAt(common::kV1Cutover - 40 * kDay));
  EXPECT_EQ(fleet_->Value("SELECT to_timestamp(from_ts) < to_timestamp(1777374040) - "
                          "interval '39 days' FROM coverage WHERE to_block > 0"),
            "t")
      << "it was put before what was told";
  fleet_->ExpectOracle();
  Sync("auto");
  fleet_->ExpectOracle();
  EXPECT_EQ(Open(), "0");
}

// What lies before a range is a gap, whatever is told behind it, until it is told itself.
TEST_F(RangeTest, AGapBeforeARangeIsCalledCompleteByNobody) {
  StartAll({"--live", "20", "--rpc-head-after-newest", "255"});
  const common::UnixSeconds gap_ends = common::kV1Cutover - 90 * kDay;
  Range("subgraph", gap_ends);
  EXPECT_EQ(complete_, 0);
  Range("subgraph");
  EXPECT_EQ(complete_, 0) << "it goes on from its end";
  const std::vector<std::string> some = EverySecondWallet();
  SyncSome(some, "data-api");
  EXPECT_EQ(complete_, static_cast<int>(some.size()));
  Range("rpc", sim::BlockAt(common::kV1Cutover - 10 * kDay));
  EXPECT_EQ(complete_, static_cast<int>(some.size())) << "of the others nobody knows the beginning";
  Refresh();
  const Json refused = fleet_->Post(
      "/api/admin/ingest",
      {{"action", "range"}, {"source", "subgraph"}, {"from", 1}, {"to", gap_ends - 2}});
  EXPECT_TRUE(refused.contains("error")) << refused.dump();
  Range("subgraph", 1);
  Refresh();
  EXPECT_EQ(Open(), "0");
  fleet_->TellSimulator("/sim/live", {{"growing", false}, {"head_after_newest", 600}});
  Refresh();
  EXPECT_EQ(Open(), "0");
  fleet_->ExpectOracle();
}

}  // namespace
}  // namespace e2e
