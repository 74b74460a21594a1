#include "coordinator/rate_budget.h"

#include <algorithm>
#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "common/random.h"

namespace coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RateBudgetTest : public ::testing::Test {
 protected:
  void Join(std::uint64_t session) { budget_.Join({session}, now_); }
  void Report(std::uint64_t session, std::uint64_t requests, std::uint32_t waiting,
              std::uint64_t throttled = 0) {
    budget_.Report({session}, {{"data", requests, throttled, waiting}}, now_);
  }
  void Pass(common::Duration time) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += milliseconds(250);
      budget_.Divide(now_);
      EXPECT_LE(budget_.Outstanding("data"), 20.0 + 1e-9);
    }
  }
  double ShareOf(std::uint64_t session) {
    for (const auto& share : budget_.SharesOf({session})) {
      if (share.endpoint == "data") return share.per_s;
    }
    return -1;
  }

  common::Instant now_{};
  RateBudget budget_{{{"data", 20}, {"free", 0}}};
};

TEST_F(RateBudgetTest, OneSessionGetsEverything) {
  Join(1);
  EXPECT_DOUBLE_EQ(ShareOf(1), 20);
}

TEST_F(RateBudgetTest, ANewcomerWaitsUntilTheOthersHaveGivenWay) {
  Join(1);
  Join(2);
  EXPECT_DOUBLE_EQ(ShareOf(2), 0);
  Pass(seconds(3));
  EXPECT_NEAR(ShareOf(1), 10, 0.1);
  EXPECT_NEAR(ShareOf(2), 10, 0.1);
}

// Demand that halves with every report is never quite over.
TEST_F(RateBudgetTest, WhoFadesAwayKeepsNothingFromWhoWaits) {
  Join(1);
  Report(1, 0, 0);
  now_ += seconds(1);
  Report(1, 3, 0);
  Join(2);
  for (int i = 0; i < 10; ++i) {
    Report(1, 3, 0);
    Report(2, 0, 1);
    Pass(milliseconds(500));
  }
  EXPECT_GT(ShareOf(2), 15);
}

TEST_F(RateBudgetTest, WhoHasMoreWaitingGetsMoreAndNobodyNothing) {
  Join(1);
  Join(2);
  for (int i = 0; i < 20; ++i) {
    Report(1, 0, 30);
    Report(2, 0, 0);
    Pass(seconds(1));
  }
  EXPECT_GT(ShareOf(1), 19);
  EXPECT_GT(ShareOf(2), 0);
}

TEST_F(RateBudgetTest, WhatALeaverHadIsFreeAtOnce) {
  Join(1);
  Join(2);
  Pass(seconds(3));
  budget_.Leave({1}, now_);
  EXPECT_NEAR(ShareOf(2), 20, 0.1);
}

TEST_F(RateBudgetTest, ThrottlingLowersTheLimitAndItGrowsBack) {
  Join(1);
  Report(1, 10, 5, 0);
  Report(1, 20, 5, 2);
  EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 14, 1e-6);
  Pass(seconds(4));
  EXPECT_LE(ShareOf(1), 14.01);
  Pass(seconds(60));
  EXPECT_NEAR(ShareOf(1), 20, 0.01);
}

TEST_F(RateBudgetTest, OneRefusalCostsLittleAndASecondSoonAfterMuch) {
  Join(1);
  Report(1, 10, 5, 0);
  Report(1, 20, 5, 1);
  EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 19.6, 1e-6);
  Pass(seconds(6));
  Report(1, 30, 5, 2);
  EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 19.6 * 0.7, 1e-6);
}

TEST_F(RateBudgetTest, FewRefusalsOfManyRequestsCostLittleAsOftenAsTheyCome) {
  Join(1);
  Report(1, 0, 5);
  for (std::uint64_t round = 1; round <= 5; ++round) {
    Report(1, round * 300, 5, round);
    EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 19.6, 1e-6);
    Pass(seconds(15));
    EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 20, 1e-6);
  }
  // However many went well before: of a minute's requests at most.
  Report(1, 1'000'000, 5, 5);
  Report(1, 1'000'000, 5, 5 + 7);
  EXPECT_NEAR(budget_.statuses()[0].limit_per_s, 20 * 0.7, 1e-6);
}

TEST_F(RateBudgetTest, AnUnlimitedEndpointIsNotDivided) {
  Join(1);
  Join(2);
  for (const auto& share : budget_.SharesOf({2})) {
    if (share.endpoint == "free") {
      EXPECT_GE(share.per_s, 1e5);
    }
  }
}

TEST_F(RateBudgetTest, StrangersAreIgnored) {
  Report(7, 1, 1);
  budget_.Report({7}, {{"nowhere", 1, 1, 1}}, now_);
  budget_.Leave({7}, now_);
  EXPECT_TRUE(budget_.SharesOf({7}).empty());
}

// Whoever was told less may not have heard of it yet, so for a while the most that it was told
// counts.
TEST_F(RateBudgetTest, WhatSessionsMayStillBelieveNeverExceedsTheLimit) {
  constexpr std::uint64_t kSessions = 6;
  constexpr std::size_t kTicksToHear = 5;  // of 250 ms: less than a settling time
  common::Random random(11);
  std::map<std::uint64_t, std::deque<double>> told;
  for (int i = 0; i < 4000; ++i) {
    const std::uint64_t session = 1 + random.Below(kSessions);
    if (random.Chance(0.02)) {
      budget_.Leave({session}, now_);
      told.erase(session);
    } else if (random.Chance(0.05)) {
      Join(session);
      told.try_emplace(session);
    }
    if (random.Chance(0.7)) {
      Report(session, static_cast<std::uint64_t>(i) * random.Below(3),
             static_cast<std::uint32_t>(random.Chance(0.5) ? 0 : random.Below(40)));
    }
    Pass(milliseconds(250));
    double believed = 0;
    for (auto& [id, shares] : told) {
      shares.push_back(ShareOf(id));
      if (shares.size() > kTicksToHear) shares.pop_front();
      believed += *std::max_element(shares.begin(), shares.end());
    }
    ASSERT_LE(believed, 20.0 + 1e-9) << i;
  }
}

TEST_F(RateBudgetTest, TheSumNeverExceedsTheLimitWhateverHappens) {
  common::Random random(7);
  std::uint64_t next = 1;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    if (random.Chance(0.1)) Join(next++);
    if (random.Chance(0.08) && next > 1) budget_.Leave({1 + random.Below(next - 1)}, now_);
    for (std::uint64_t session = 1; session < next; ++session) {
      Report(session, i * random.Below(20), static_cast<std::uint32_t>(random.Below(40)));
    }
    Pass(milliseconds(250 * (1 + random.Below(8))));
  }
}

TEST_F(RateBudgetTest, SaturatedSessionsUseNearlyAllOfIt) {
  constexpr std::uint64_t kSessions = 10;
  common::Random random(3);
  for (std::uint64_t session = 1; session <= kSessions; ++session) Join(session);
  std::vector<double> done(kSessions + 1);
  double shares = 0;
  for (int i = 0; i < 60; ++i) {
    for (std::uint64_t session = 1; session <= kSessions; ++session) {
      done[session] += ShareOf(session);
      Report(session, static_cast<std::uint64_t>(done[session]),
             static_cast<std::uint32_t>(10 + random.Below(20)));
    }
    Pass(seconds(1));
    if (i < 10) continue;
    for (std::uint64_t session = 1; session <= kSessions; ++session) shares += ShareOf(session);
  }
  EXPECT_GT(shares / 50, 20 * 0.97);
}

TEST_F(RateBudgetTest, WhoJoinsManyThatAreSaturatedGetsItsShare) {
  constexpr std::uint64_t kSessions = 30;
  for (std::uint64_t session = 1; session <= kSessions; ++session) Join(session);
  const auto work = [&](std::uint64_t first) {
    for (int i = 0; i < 20; ++i) {
      for (std::uint64_t session = first; session < first + kSessions; ++session) {
        Report(session, 0, 30);
      }
      Pass(seconds(1));
    }
  };
  work(1);
  budget_.Leave({1}, now_);
  Join(kSessions + 1);
  work(2);
  EXPECT_GT(ShareOf(kSessions + 1), 0.5 * 20 / kSessions);
}

TEST_F(RateBudgetTest, ALimitThatFallsALittleIsKeptToAllTheSame) {
  for (const std::uint64_t session : {1U, 2U}) Join(session);
  for (int i = 0; i < 5; ++i) {
    for (const std::uint64_t session : {1U, 2U}) Report(session, 0, 30);
    Pass(seconds(1));
  }
  Report(1, 0, 30, 1);
  Pass(seconds(3));
  EXPECT_LT(ShareOf(1) + ShareOf(2), 19.7);
}

}  // namespace
}  // namespace coordinator
