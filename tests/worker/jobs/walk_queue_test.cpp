#include "worker/jobs/walk_queue.h"

#include <gtest/gtest.h>

namespace worker::jobs {
namespace {

using std::chrono::seconds;
using Stand = WalkQueue::Stand;

constexpr int kTries = 3;
const common::Instant kMoment{seconds(1000)};

WalkQueue QueueOf(std::size_t walks) {
  return {walks, {seconds(2), seconds(30)}, kTries, 7};
}

void Start(WalkQueue& queue, WalkQueue::Index walk) {
  queue.Begin(walk);
  queue.MakeReady(walk);
}

TEST(WalkQueueTest, WhoIsReadyFirstAsksFirst) {
  WalkQueue queue = QueueOf(3);
  for (const WalkQueue::Index walk : {0U, 1U}) {
    EXPECT_EQ(queue.FirstWaiting(), walk);
    Start(queue, walk);
  }
  EXPECT_EQ(queue.waiting(), 1U);
  EXPECT_EQ(queue.begun(), 2U);
  EXPECT_EQ(queue.ready(), (std::deque<WalkQueue::Index>{0, 1}));
  queue.Ask(0);
  queue.MakeReady(0);
  EXPECT_EQ(queue.ready(), (std::deque<WalkQueue::Index>{1, 0}));
  EXPECT_TRUE(queue.IsUnderWay(0));
  EXPECT_FALSE(queue.IsUnderWay(2));
}

TEST(WalkQueueTest, AFailureWaitsAndTheLastTryIsTheLast) {
  WalkQueue queue = QueueOf(1);
  Start(queue, 0);
  queue.Ask(0);
  EXPECT_EQ(queue.WakeAt(), common::Instant::max());
  ASSERT_TRUE(queue.BackOff(0, kMoment));
  EXPECT_GE(queue.WakeAt(), kMoment);
  EXPECT_TRUE(queue.ready().empty());
  EXPECT_EQ(queue.Wake(kMoment + seconds(60)), std::vector<WalkQueue::Index>{0});
  queue.MakeReady(0);
  queue.Ask(0);
  ASSERT_TRUE(queue.BackOff(0, kMoment));
  EXPECT_FALSE(queue.BackOff(0, kMoment));
  EXPECT_EQ(queue.retries(), 2U);
}

TEST(WalkQueueTest, AGoodAnswerForgivesFailures) {
  WalkQueue queue = QueueOf(1);
  Start(queue, 0);
  for (int i = 0; i < 2 * kTries; ++i) {
    queue.Ask(0);
    ASSERT_TRUE(queue.BackOff(0, kMoment)) << i;
    for (const auto walk : queue.Wake(kMoment + seconds(60))) queue.MakeReady(walk);
    queue.NoteSuccess(0);
  }
}

TEST(WalkQueueTest, WhatEndsIsNowhereAnyMore) {
  WalkQueue queue = QueueOf(4);
  for (const WalkQueue::Index walk : {0U, 1U, 2U}) Start(queue, walk);
  queue.Ask(1);
  ASSERT_TRUE(queue.BackOff(1, kMoment));
  for (const WalkQueue::Index walk : {0U, 1U, 3U}) queue.End(walk);
  EXPECT_EQ(queue.ready(), (std::deque<WalkQueue::Index>{2}));
  EXPECT_TRUE(queue.Wake(kMoment + seconds(60)).empty());
  EXPECT_FALSE(queue.FirstWaiting());
  EXPECT_EQ(queue.open(), 1U);
  EXPECT_EQ(queue.begun(), 1U);
  queue.Reopen(0);
  EXPECT_EQ(queue.FirstWaiting(), 0U);
  EXPECT_EQ(queue.open(), 2U);
  queue.End(0);
  EXPECT_EQ(queue.begun(), 1U) << "it was not begun again";
}

TEST(WalkQueueTest, OnlyWhatWaitsIsGivenBack) {
  WalkQueue queue = QueueOf(3);
  Start(queue, 0);
  EXPECT_EQ(queue.GiveBack(), (std::vector<WalkQueue::Index>{1, 2}));
  EXPECT_EQ(queue.stand(1), Stand::kGivenBack);
  EXPECT_EQ(queue.open(), 1U);
  EXPECT_EQ(queue.waiting(), 0U);
  EXPECT_TRUE(queue.GiveBack().empty());
}

}  // namespace
}  // namespace worker::jobs
