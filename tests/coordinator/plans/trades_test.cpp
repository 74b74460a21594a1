#include "coordinator/plans/trades.h"

#include <set>

#include <gtest/gtest.h>

namespace coordinator::plans {
namespace {

std::vector<PlannedChunk> Plan(std::vector<WalletLoad> wallets, int workers) {
  std::vector<PlannedChunk> chunks;
  PlanTrades(wallets, workers, [&](PlannedChunk chunk) { chunks.push_back(std::move(chunk)); });
  return chunks;
}

std::vector<WalletLoad> Small(int count) {
  std::vector<WalletLoad> wallets;
  for (int i = 1; i <= count; ++i) wallets.push_back({{i}, 0});
  return wallets;
}

TEST(PlanTradesTest, AWhaleGoesAloneAndFirst) {
  std::vector<WalletLoad> wallets = Small(20);
  wallets.push_back({{99}, 100'000});
  const auto chunks = Plan(wallets, 1);
  EXPECT_EQ(chunks[0].wallets, std::vector<std::int32_t>{99});
}

TEST(PlanTradesTest, EachWalletIsInOneChunk) {
  std::set<std::int32_t> seen;
  for (const auto& chunk : Plan(Small(10'000), 4)) {
    for (const std::int32_t wallet : chunk.wallets) EXPECT_TRUE(seen.insert(wallet).second);
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(PlanTradesTest, ChunksShrinkTowardsTheEnd) {
  const auto chunks = Plan(Small(10'000), 4);
  EXPECT_EQ(chunks.front().wallets.size(), 500U);
  EXPECT_LE(chunks.back().wallets.size(), 10U);
  for (const auto& chunk : chunks) EXPECT_LE(chunk.wallets.size(), 500U);
}

TEST(PlanTradesTest, NoChunkIsHeavierThanAWhale) {
  std::vector<WalletLoad> wallets;
  for (int i = 1; i <= 100; ++i) wallets.push_back({{i}, 15'000});
  for (const auto& chunk : Plan(wallets, 1)) EXPECT_EQ(chunk.wallets.size(), 1U);
}

TEST(PlanTradesTest, NothingToDoIsNoChunk) {
  EXPECT_TRUE(Plan({}, 3).empty());
}

TEST(ExpectedTradesTest, AnInterruptedWalkIsExpectedToHaveAsMuchAhead) {
  EXPECT_EQ(ExpectedTrades({50'000, 0, 0}, 1'000'000), 50'000);
}

TEST(ExpectedTradesTest, AFreshWalletHasLittle) {
  EXPECT_EQ(ExpectedTrades({50'000, 1'000'000, 0}, 1'000'000), 0);
}

}  // namespace
}  // namespace coordinator::plans
