#include "coordinator/options.h"

#include <gtest/gtest.h>

namespace coordinator {
namespace {

double LimitOf(const std::vector<EndpointLimit>& limits, const std::string& name) {
  for (const auto& limit : limits) {
    if (limit.endpoint == name) return limit.per_s;
  }
  return -1;
}

TEST(DefaultLimitsTest, PositionsStayBelowTheirStatedLimit) {
  EXPECT_DOUBLE_EQ(LimitOf(DefaultLimits(), "data_other"), 14.25);  // of 15
}

TEST(SetLimitTest, ReplacesTheDefault) {
  auto limits = DefaultLimits();
  EXPECT_TRUE(SetLimit("data_trades=200/10s", limits).has_value());
  EXPECT_DOUBLE_EQ(LimitOf(limits, "data_trades"), 19.6);
}

TEST(SetLimitTest, ZeroIsNoLimit) {
  auto limits = DefaultLimits();
  EXPECT_TRUE(SetLimit("clob=0", limits).has_value());
  EXPECT_DOUBLE_EQ(LimitOf(limits, "clob"), 0);
}

TEST(SetLimitTest, NamesTheEndpointsWhereItIsWrong) {
  auto limits = DefaultLimits();
  const auto wrong = SetLimit("data=200/10s", limits);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message.find("data_trades"), std::string::npos);
  EXPECT_FALSE(SetLimit("clob", limits).has_value());
  EXPECT_FALSE(SetLimit("clob=fast", limits).has_value());
}

}  // namespace
}  // namespace coordinator
