#include "worker/store/lane_choice.h"

#include <gtest/gtest.h>

#include "worker/store/clean_text.h"

namespace worker::store {
namespace {

TEST(LaneChoiceTest, AConflictLeadsToTheReplayLaneUntilBatchesAreClean) {
  LaneChoice lane;
  EXPECT_TRUE(lane.is_fast());
  lane.NoteConflict();
  EXPECT_FALSE(lane.is_fast());
  lane.NoteReplay(false);
  lane.NoteReplay(true);
  lane.NoteReplay(true);
  EXPECT_TRUE(lane.is_fast());
}

TEST(LaneChoiceTest, ConflictsAgainAndAgainMakeItPatient) {
  LaneChoice lane;
  int replays = 0;
  for (int conflict = 0; conflict < 10; ++conflict) {
    lane.NoteConflict();
    for (; !lane.is_fast(); ++replays) lane.NoteReplay(true);
  }
  EXPECT_GT(replays, 80);
  for (int i = 0; i < 100; ++i) lane.NoteFast();
  lane.NoteConflict();
  lane.NoteReplay(true);
  lane.NoteReplay(true);
  EXPECT_TRUE(lane.is_fast());
}

TEST(CleanTextTest, KeepsValidTextAndReplacesTheRest) {
  EXPECT_EQ(CleanText("caf\xC3\xA9 \xF0\x9F\x8E\xA3"), "caf\xC3\xA9 \xF0\x9F\x8E\xA3");
  EXPECT_EQ(CleanText(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(CleanText("\xC0\xAF\xED\xA0\x80\xF5"), "??????");
  EXPECT_EQ(CleanText("\xE2\x82"), "??");
}

TEST(CleanTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CleanText("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(CleanText("abcd", 3), "abc");
}

}  // namespace
}  // namespace worker::store
