#include "common/pacing.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace common {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{hours(1)};

TEST(TokenBucketTest, LetsABurstThroughAndThenTheRate) {
  TokenBucket bucket(10, 3, kStart);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.TryTake(kStart));
  EXPECT_FALSE(bucket.TryTake(kStart));
  EXPECT_EQ(bucket.NextAt(kStart), kStart + milliseconds(100));
  EXPECT_TRUE(bucket.TryTake(kStart + milliseconds(100)));
}

TEST(TokenBucketTest, NextAtIsAlwaysGoodForAToken) {
  TokenBucket bucket(3.7, 1, kStart);
  Instant now = kStart;
  for (int i = 0; i < 1000; ++i) {
    now = bucket.NextAt(now);
    ASSERT_TRUE(bucket.TryTake(now)) << i;
  }
  EXPECT_NEAR(std::chrono::duration<double>(now - kStart).count(), 999 / 3.7, 0.01);
}

TEST(TokenBucketTest, NeverHoldsMoreThanTheBurst) {
  TokenBucket bucket(100, 2, kStart);
  const Instant later = kStart + hours(1);
  EXPECT_TRUE(bucket.TryTake(later));
  EXPECT_TRUE(bucket.TryTake(later));
  EXPECT_FALSE(bucket.TryTake(later));
}

TEST(TokenBucketTest, ANewRateHoldsFromNowOn) {
  TokenBucket bucket(1, 1, kStart);
  EXPECT_TRUE(bucket.TryTake(kStart));
  bucket.SetRate(0, 1, kStart);
  EXPECT_EQ(bucket.NextAt(kStart + hours(9)), Instant::max());
  bucket.SetRate(4, 1, kStart + hours(9));
  EXPECT_EQ(bucket.NextAt(kStart + hours(9)), kStart + hours(9) + milliseconds(250));
}

TEST(TokenBucketTest, TimeThatGoesBackGivesNothing) {
  TokenBucket bucket(1, 1, kStart);
  EXPECT_TRUE(bucket.TryTake(kStart));
  EXPECT_FALSE(bucket.TryTake(kStart - hours(1)));
  EXPECT_FALSE(bucket.TryTake(kStart));
}

TEST(TokenBucketTest, TakesNonsenseForNothing) {
  TokenBucket bucket(std::nan(""), -3, kStart);
  EXPECT_TRUE(bucket.TryTake(kStart));
  EXPECT_EQ(bucket.NextAt(kStart), Instant::max());
}

TEST(BackoffTest, DoublesUpToTheCapWithFullJitter) {
  Random random(1);
  for (int failures = 0; failures < 200; ++failures) {
    Duration longest{};
    for (int i = 0; i < 200; ++i) {
      Backoff backoff;
      for (int k = 0; k < failures % 8; ++k) backoff.Next(random);
      longest = std::max(longest, backoff.Next(random));
    }
    const Duration limit = std::min<Duration>(seconds(2) * (1 << (failures % 8)), seconds(60));
    EXPECT_LE(longest, limit);
    EXPECT_GT(longest, limit * 8 / 10);
  }
}

TEST(BackoffTest, ResetStartsAnew) {
  Random random(1);
  Backoff backoff({milliseconds(200), seconds(5)});
  for (int i = 0; i < 1000; ++i) EXPECT_LE(backoff.Next(random), Duration(seconds(5)));
  backoff.Reset();
  EXPECT_EQ(backoff.failures(), 0);
  EXPECT_LE(backoff.Next(random), Duration(milliseconds(200)));
}

}  // namespace
}  // namespace common
