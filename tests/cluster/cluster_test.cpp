#include "tests/cluster/cluster.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace tests::cluster {
namespace {

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Runs the seeds from `first` on, or only the one in SEINE_SEED.
Sometimes RunSeeds(ClusterOptions options, std::uint64_t first, std::uint64_t count) {
  Sometimes sometimes;
  const std::uint64_t only = FromEnvironment("SEINE_SEED", 0);
  count = FromEnvironment("SEINE_SEEDS", count);
  if (only != 0) {
    first = only;
    count = 1;
  }
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    options.seed = seed;
    Cluster cluster(options);
    const std::string broken = cluster.Run();
    sometimes.Add(cluster.sometimes());
    if (!broken.empty()) {
      ADD_FAILURE() << broken << " (SEINE_SEED=" << seed << " replays it)";
      break;
    }
  }
  return sometimes;
}

bool OnlyOne() {
  return std::getenv("SEINE_SEED") != nullptr;
}

TEST(ClusterTest, WithoutFaultsTheRunEndsSoon) {
  ClusterOptions options;
  options.drop = options.repeat = options.late = 0;
  options.kill_workers = options.kill_coordinator = options.database_outages = false;
  options.rivals = options.drains = false;
  options.poison = 0;
  Cluster cluster(options);
  EXPECT_EQ(cluster.Run(), "");
  EXPECT_LT(cluster.virtual_seconds(), 13);
  EXPECT_EQ(cluster.ledger().regrants(), 0U);
}

TEST(ClusterTest, EveryWalletCompletesOnceWhateverFails) {
  const Sometimes sometimes = RunSeeds({}, 1, 1500);
  if (OnlyOne()) return;
  // A fault that never happened proves nothing.
  EXPECT_GT(sometimes.drops, 0U);
  EXPECT_GT(sometimes.repeats, 0U);
  EXPECT_GT(sometimes.overtaken, 0U);
  EXPECT_GT(sometimes.worker_kills, 0U);
  EXPECT_GT(sometimes.coordinator_kills, 0U);
  EXPECT_GT(sometimes.outages, 0U);
  EXPECT_GT(sometimes.term_losses, 0U);
  EXPECT_GT(sometimes.in_doubt, 0U);
  EXPECT_GT(sometimes.drains, 0U);
  EXPECT_GT(sometimes.fenced_writes, 0U);
  EXPECT_GT(sometimes.regrants, 0U);
  EXPECT_GT(sometimes.resends, 0U);
  EXPECT_GT(sometimes.adopted, 0U);
  EXPECT_GT(sometimes.releases, 0U);
  EXPECT_GT(sometimes.recalls, 0U);
  EXPECT_GT(sometimes.quarantined, 0U);
  EXPECT_GT(sometimes.takeovers, 0U);
  EXPECT_GT(sometimes.failures, 0U);
}

TEST(ClusterTest, ManyWorkersAndFewWallets) {
  ClusterOptions options;
  options.workers = 6;
  options.wallets = 15;
  const Sometimes sometimes = RunSeeds(options, 100'001, 300);
  EXPECT_TRUE(OnlyOne() || sometimes.worker_kills > 0);
}

TEST(ClusterTest, ABadNetworkAloneLosesNothing) {
  ClusterOptions options;
  options.drop = 0.3;
  options.repeat = 0.3;
  options.late = 0.5;
  options.kill_workers = options.kill_coordinator = options.database_outages = false;
  options.rivals = false;
  options.poison = 0;
  const Sometimes sometimes = RunSeeds(options, 200'001, 200);
  EXPECT_EQ(sometimes.quarantined, 0U);
  if (OnlyOne()) return;
  EXPECT_GT(sometimes.drops, 0U);
  EXPECT_GT(sometimes.repeats, 0U);
  EXPECT_GT(sometimes.overtaken, 0U);
}

TEST(ClusterTest, OnlyPoisonIsQuarantinedWhenNothingElseKills) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ClusterOptions options;
    options.seed = 300'000 + seed;
    options.kill_workers = options.kill_coordinator = options.database_outages = false;
    options.rivals = options.drains = false;
    options.drop = options.repeat = options.late = 0;
    options.poison = 2;
    Cluster cluster(options);
    ASSERT_EQ(cluster.Run(), "") << "seed " << options.seed;
    for (const Wallet& wallet : cluster.ledger().wallets()) {
      ASSERT_EQ(wallet.quarantined, wallet.poison) << "seed " << options.seed;
    }
  }
}

}  // namespace
}  // namespace tests::cluster
