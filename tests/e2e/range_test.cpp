// Ranges and wallet syncs over the same time: who owns what, and what is called complete.
#include <gtest/gtest.h>

#include "common/trade.h"
#include "sim/blocks.h"
#include "tests/e2e/proofs.h"

namespace e2e {
namespace {

constexpr std::int64_t kDay = 24 * 3600;

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
  void Act(const Json& wish) {
    fleet_->ExpectOutcome(fleet_->StartAction(wish), "complete");
    ExpectOrder(wish.dump());
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
  Range("rpc", sim::BlockAt(common::kV1Cutover - 60 * kDay));
  fleet_->ExpectOracle();
  Sync("auto");
  fleet_->ExpectOracle();
  EXPECT_EQ(Open(), "0");
}

}  // namespace
}  // namespace e2e
