#include "common/random.h"

#include <array>

#include <gtest/gtest.h>

namespace common {
namespace {

TEST(RandomTest, ASeedRepeatsItsSequence) {
  Random one(7);
  Random two(7);
  Random other(8);
  EXPECT_EQ(one.Next(), two.Next());
  EXPECT_NE(one.Next(), other.Next());
}

TEST(RandomTest, BelowReachesEveryValueAndNoOther) {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.Below(7));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 200);
  EXPECT_EQ(random.Below(1), 0U);
}

TEST(RandomTest, UnitAndChanceStayInBounds) {
  Random random(1);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double unit = random.Unit();
    ASSERT_TRUE(unit >= 0 && unit < 1);
    hits += random.Chance(0.25) ? 1 : 0;
    ASSERT_FALSE(random.Chance(0));
    ASSERT_TRUE(random.Chance(1));
  }
  EXPECT_NEAR(hits, 2500, 200);
}

TEST(RandomTest, EntropyDiffersEachTime) {
  EXPECT_NE(EntropySeed(), EntropySeed());
}

}  // namespace
}  // namespace common
