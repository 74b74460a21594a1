#include "coordinator/plans/stages.h"

#include <gtest/gtest.h>

#include "coordinator/plans/markets.h"
#include "coordinator/plans/units.h"

namespace coordinator::plans {
namespace {

using Names = std::vector<std::string>;

TEST(StagesOfTest, FullGoesFromMarketsToPositions) {
  EXPECT_EQ(StagesOf("full", {}),
            (Names{"markets", "resolutions", "holders", "trades", "activity", "positions"}));
  EXPECT_TRUE(StagesOf("dance", {}).empty());
}

TEST(StagesOfTest, ARefreshTakesRangesWhereTheyHaveBegun) {
  StageFacts facts;
  EXPECT_EQ(StagesOf("refresh", facts), (Names{"markets", "resolutions", "holders", "trades"}));
  facts.is_rpc_covered = true;
  EXPECT_EQ(StagesOf("refresh", facts), (Names{"markets", "resolutions", "range", "trades"}));
}

TEST(StagesOfTest, AnArchiveThatIsToldNeedsFeedsBehindIt) {
  StageFacts facts;
  facts.is_archive_covered = facts.is_archive_told = true;
  EXPECT_EQ(StagesOf("refresh", facts).at(2), "holders");
}

TEST(StagesOfTest, DiscoveryLearnsFirstWhichMarketsMoved) {
  EXPECT_EQ(StagesOf("discover", {}), (Names{"markets", "holders"}));
}

TEST(StagesOfTest, BehindRangesWalletsTakeTheDefaultSource) {
  EXPECT_EQ(SourceOf("full", "rpc", "trades"), "auto");
  EXPECT_EQ(SourceOf("full", "rpc", "range"), "rpc");
  EXPECT_EQ(SourceOf("trades", "rpc", "trades"), "rpc");
}

TEST(MarketTasksTest, AFreshWalkTakesWhatClosedSince) {
  EXPECT_EQ(FreshMarkets(0), AllMarkets());
  EXPECT_EQ(FreshMarkets(1'000'000).back(), "markets closed since=913600");
}

TEST(MarketTasksTest, ResolutionsGoByTwenty) {
  const Names conditions(41, "0xab");
  const Names tasks = Resolutions(conditions);
  ASSERT_EQ(tasks.size(), 3U);
  EXPECT_EQ(ConditionsOf(tasks[0]).size(), 20U);
  EXPECT_EQ(ConditionsOf(tasks[2]), Names{"0xab"});
  EXPECT_TRUE(ConditionsOf("markets open").empty());
}

TEST(PlanUnitsTest, ChunksAreBoundedByNumberAndWeightInOrder) {
  std::vector<UnitLoad> units;
  for (int i = 0; i < 10; ++i) units.push_back({i, i == 0 ? 100 : 10});
  std::vector<PlannedChunk> chunks;
  PlanUnits(units, {4, 100, 1}, 1, [&](PlannedChunk chunk) { chunks.push_back(chunk); });
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(chunks[0].wallets, std::vector<std::int32_t>{0});
  EXPECT_EQ(chunks[1].wallets, (std::vector<std::int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(chunks[3].wallets, std::vector<std::int32_t>{9});
}

}  // namespace
}  // namespace coordinator::plans
