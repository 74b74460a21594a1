#include "sim/limits.h"

#include <gtest/gtest.h>

namespace sim {
namespace {

TEST(LimitsTest, AWindowSlides) {
  Limits limits;
  limits.Set(Endpoint::kDataTrades, {2, 10'000});
  EXPECT_EQ(limits.Ask(Endpoint::kDataTrades, 1000).delay_ms, 0);
  EXPECT_EQ(limits.Ask(Endpoint::kDataTrades, 4000).delay_ms, 0);
  const auto refused = limits.Ask(Endpoint::kDataTrades, 4500);
  EXPECT_FALSE(refused.delay_ms.has_value());
  EXPECT_EQ(refused.retry_after_s, 7);
  EXPECT_FALSE(limits.Ask(Endpoint::kDataTrades, 10'999).delay_ms.has_value());
  EXPECT_EQ(limits.Ask(Endpoint::kDataTrades, 11'000).delay_ms, 0);
  EXPECT_FALSE(limits.Ask(Endpoint::kDataTrades, 11'000).delay_ms.has_value());
}

TEST(LimitsTest, ARequestIsHeldBackBeforeOneIsRefused) {
  Limits limits;
  limits.Set(Endpoint::kSubgraph, {1, 1000});
  limits.SetQueue(2500);
  EXPECT_EQ(limits.Ask(Endpoint::kSubgraph, 0).delay_ms, 0);
  EXPECT_EQ(limits.Ask(Endpoint::kSubgraph, 100).delay_ms, 900);
  EXPECT_EQ(limits.Ask(Endpoint::kSubgraph, 100).delay_ms, 1900);
  EXPECT_FALSE(limits.Ask(Endpoint::kSubgraph, 100).delay_ms.has_value());
  EXPECT_EQ(limits.Ask(Endpoint::kSubgraph, 500).delay_ms, 2500);
}

TEST(LimitsTest, EndpointsDoNotShareAndNoneIsNoLimit) {
  Limits limits;
  limits.Set(Endpoint::kClob, {1, 1000});
  EXPECT_EQ(limits.Ask(Endpoint::kClob, 0).delay_ms, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.Ask(Endpoint::kGammaOther, 0).delay_ms, 0);
}

TEST(LimitsTest, TheStrictestRouteLimitsAllThatShareItsEndpoint) {
  const Limit positions = PublishedLimits()[static_cast<std::size_t>(Endpoint::kDataOther)];
  EXPECT_EQ(positions.count, 150);
  EXPECT_EQ(positions.window_ms, 10'000);
}

TEST(LimitsTest, ReadsWhatUsersWrite) {
  const auto limit = ParseLimit("gamma_markets=300/10s");
  ASSERT_TRUE(limit.has_value());
  EXPECT_EQ(limit->endpoint, Endpoint::kGammaMarkets);
  EXPECT_EQ(limit->limit.count, 300);
  EXPECT_EQ(limit->limit.window_ms, 10'000);
  const auto none = ParseLimit("subgraph=0");
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->limit.count, 0);
  EXPECT_FALSE(ParseLimit("subgraph").has_value());
  EXPECT_FALSE(ParseLimit("moon=3/s").has_value());
}

}  // namespace
}  // namespace sim
