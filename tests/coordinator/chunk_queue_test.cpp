#include "coordinator/chunk_queue.h"

#include <gtest/gtest.h>

namespace coordinator {
namespace {

using std::chrono::seconds;

class ChunkQueueTest : public ::testing::Test {
 protected:
  void Push(std::int64_t id, int round = 0, bool suspect = false, bool live = false) {
    ChunkRow row;
    row.id = {id};
    row.epoch = {id * 10};
    row.round = round;
    row.suspect = suspect;
    queue_.Push(row, live, now_);
  }
  void Read() {
    for (const auto chunk : queue_.NextToRead(100, now_, 100)) {
      queue_.SetContent({chunk, {chunk.value * 10}, {WalletRow{}}});
    }
  }
  std::int64_t Pick(const std::string& worker = "w", bool idle = true) {
    const auto entry = queue_.Pick({worker}, idle, now_);
    return entry ? entry->chunk.id.value : 0;
  }

  common::Instant now_{};
  ChunkQueue queue_;
};

TEST_F(ChunkQueueTest, OnlyWhatWasReadIsGiven) {
  Push(1);
  EXPECT_EQ(Pick(), 0);
  Read();
  EXPECT_EQ(Pick(), 1);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(ChunkQueueTest, OldestFirst) {
  for (int id : {3, 1, 2}) Push(id);
  Read();
  EXPECT_EQ(Pick(), 1);
  EXPECT_EQ(Pick(), 2);
}

TEST_F(ChunkQueueTest, WhatADeadWorkerLeftGoesFirst) {
  Push(1, 0, false, true);
  Push(2);
  ChunkRow left;
  left.id = {3};
  left.epoch = {30};
  left.urgent = true;
  queue_.Push(left, false, now_);
  Read();
  EXPECT_EQ(queue_.PickUrgent({"w"}, now_)->chunk.id.value, 3);
  EXPECT_FALSE(queue_.PickUrgent({"w"}, now_).has_value());
  queue_.Push(left, false, now_);
  Read();
  EXPECT_EQ(Pick(), 3);
  EXPECT_EQ(Pick(), 1);
}

TEST_F(ChunkQueueTest, ClassesShareSixTwoOne) {
  for (int id = 1; id <= 90; ++id) Push(id, id % 3 == 1 ? 1 : 0, false, id % 3 == 2);
  Read();
  int live = 0;
  int retry = 0;
  for (int i = 0; i < 9; ++i) {
    const auto id = Pick();
    live += id % 3 == 2 ? 1 : 0;
    retry += id % 3 == 1 ? 1 : 0;
  }
  EXPECT_EQ(live, 6);
  EXPECT_EQ(retry, 2);
}

TEST_F(ChunkQueueTest, ContentOfAnotherEpochIsRefused) {
  Push(1);
  queue_.NextToRead(10, now_, 10);
  EXPECT_FALSE(queue_.SetContent({{1}, {77}, {}}));
  EXPECT_EQ(Pick(), 0);
}

TEST_F(ChunkQueueTest, ASuspectNeedsAWorkerThatHoldsNothing) {
  Push(1, 0, true);
  Read();
  EXPECT_EQ(Pick("w", false), 0);
  EXPECT_EQ(Pick("w", true), 1);
}

TEST_F(ChunkQueueTest, KeptForItsOldHolderForAMoment) {
  Push(1);
  Push(2);
  queue_.KeepFor({2}, {"old"}, now_ + seconds(2));
  queue_.KeepFor({1}, {"old"}, now_ + seconds(2));
  Read();
  EXPECT_EQ(Pick("other"), 0);
  EXPECT_EQ(Pick("old"), 1);
  now_ += seconds(2);
  EXPECT_EQ(Pick("other"), 2);
}

TEST_F(ChunkQueueTest, ARetryWaitsForItsTime) {
  ChunkRow row;
  row.id = {1};
  row.due_in = seconds(5);
  queue_.Push(row, false, now_);
  EXPECT_TRUE(queue_.NextToRead(10, now_, 10).empty());
  EXPECT_FALSE(queue_.AnyDue(now_));
  now_ += seconds(5);
  EXPECT_EQ(queue_.NextToRead(10, now_, 10).size(), 1U);
}

TEST_F(ChunkQueueTest, ReadingAheadIsBounded) {
  for (int id = 1; id <= 100; ++id) Push(id);
  EXPECT_EQ(queue_.NextToRead(30, now_, 16).size(), 16U);
  EXPECT_EQ(queue_.NextToRead(30, now_, 16).size(), 14U);
  EXPECT_TRUE(queue_.NextToRead(30, now_, 16).empty());
}

}  // namespace
}  // namespace coordinator
