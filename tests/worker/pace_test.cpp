#include "worker/pace.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using common::Duration;
using common::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PaceTest : public testing::Test {
 protected:
  static constexpr Endpoint kTrades = Endpoint::kDataTrades;

  // Starts as many as may be started within this time; each is answered at once.
  int StartFor(Duration time, Outcome outcome = Outcome::kOk, Duration latency = milliseconds(50)) {
    const Instant until = now_ + time;
    int started = 0;
    while (now_ < until) {
      const Instant next = pace_.NextAt(kTrades, now_);
      now_ = std::max(now_, std::min(next, until));
      if (now_ >= until || !pace_.TryStart(kTrades, now_)) continue;
      ++started;
      Answer(outcome, latency);
    }
    return started;
  }
  void Answer(Outcome outcome, Duration latency = milliseconds(50),
              std::optional<Duration> retry_after = {}) {
    pace_.OnAnswer(kTrades, outcome, latency, retry_after, now_);
  }

  Instant now_{seconds(100)};
  Pace pace_{{}, 1, now_};
};

TEST_F(PaceTest, KeepsItsShare) {
  pace_.SetShare({kTrades, 10, 1}, now_);
  const int started = StartFor(seconds(20));
  EXPECT_GE(started, 199);
  EXPECT_LE(started, 202);
}

TEST_F(PaceTest, NoBurstIsGivenAtTheStart) {
  pace_.SetShare({kTrades, 10, 5}, now_);
  EXPECT_FALSE(pace_.TryStart(kTrades, now_));
  EXPECT_EQ(pace_.NextAt(kTrades, now_), now_ + milliseconds(100));
  now_ += seconds(1);
  int at_once = 0;
  while (pace_.TryStart(kTrades, now_)) ++at_once;
  EXPECT_EQ(at_once, 5);
}

TEST_F(PaceTest, EndpointWithoutALimitIsBoundedByItsRequestsInFlight) {
  int started = 0;
  while (pace_.TryStart(kTrades, now_)) ++started;
  EXPECT_EQ(started, 64);
  EXPECT_EQ(pace_.NextAt(kTrades, now_), Instant::max());
}

TEST_F(PaceTest, ShareOfZeroLetsNothingThrough) {
  pace_.SetShare({kTrades, 0, 1}, now_);
  EXPECT_LE(StartFor(seconds(20)), 1);
}

TEST_F(PaceTest, SlowsDownAfterA429AndRecovers) {
  pace_.SetShare({kTrades, 100, 1}, now_);
  now_ = pace_.NextAt(kTrades, now_);
  ASSERT_TRUE(pace_.TryStart(kTrades, now_));
  Answer(Outcome::kThrottled);
  EXPECT_DOUBLE_EQ(pace_.factor(kTrades), 0.7);
  StartFor(seconds(30));
  EXPECT_DOUBLE_EQ(pace_.factor(kTrades), 1);
}

TEST_F(PaceTest, RetryAfterPausesTheWholeHost) {
  ASSERT_TRUE(pace_.TryStart(kTrades, now_));
  Answer(Outcome::kThrottled, {}, seconds(7));
  EXPECT_FALSE(pace_.TryStart(Endpoint::kDataOther, now_));
  EXPECT_TRUE(pace_.TryStart(Endpoint::kSubgraph, now_));
  EXPECT_EQ(pace_.NextAt(Endpoint::kDataOther, now_), now_ + seconds(7));
}

TEST_F(PaceTest, FiveFailuresInARowPauseTheHost) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(pace_.TryStart(kTrades, now_)) << i;
    Answer(Outcome::kFailed);
  }
  const Duration pause = pace_.NextAt(kTrades, now_) - now_;
  EXPECT_GE(pause, seconds(22));
  EXPECT_LE(pause, seconds(38));
  EXPECT_EQ(pace_.pauses(), 1U);
}

TEST_F(PaceTest, FailuresBetweenSuccessesDoNotPause) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(pace_.TryStart(kTrades, now_));
    Answer(i % 3 == 0 ? Outcome::kFailed : Outcome::kOk);
  }
  EXPECT_EQ(pace_.pauses(), 0U);
}

TEST_F(PaceTest, HalfOfAHundredFailedPauses) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(pace_.TryStart(kTrades, now_));
    Answer(i % 2 == 0 ? Outcome::kFailed : Outcome::kOk);
  }
  EXPECT_EQ(pace_.pauses(), 1U);
}

TEST_F(PaceTest, AfterAPauseFewRequestsProbe) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(pace_.TryStart(kTrades, now_));
    Answer(Outcome::kFailed);
  }
  now_ = pace_.NextAt(kTrades, now_);
  int probes = 0;
  while (pace_.TryStart(kTrades, now_)) ++probes;
  EXPECT_EQ(probes, 10);
  Answer(Outcome::kOk);
  int more = 0;
  while (pace_.TryStart(kTrades, now_)) ++more;
  EXPECT_GT(more, 10);
}

TEST_F(PaceTest, AnswersToWhatWasUnderWayDoNotLengthenThePause) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(pace_.TryStart(kTrades, now_));
  for (int i = 0; i < 20; ++i) Answer(Outcome::kFailed);
  EXPECT_EQ(pace_.pauses(), 1U);
}

TEST_F(PaceTest, RequestsThatAreHeldBackSlowItDown) {
  pace_.SetShare({kTrades, 20, 1}, now_);
  StartFor(seconds(5), Outcome::kOk, milliseconds(120));
  EXPECT_DOUBLE_EQ(pace_.factor(kTrades), 1);
  StartFor(seconds(5), Outcome::kOk, seconds(4));
  EXPECT_LT(pace_.factor(kTrades), 0.9);
}

TEST_F(PaceTest, SlowButSteadyUpstreamKeepsItsRate) {
  pace_.SetShare({kTrades, 20, 1}, now_);
  StartFor(seconds(60), Outcome::kOk, milliseconds(2500));
  EXPECT_DOUBLE_EQ(pace_.factor(kTrades), 1);
}

}  // namespace
}  // namespace worker
