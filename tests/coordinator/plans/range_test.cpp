#include "coordinator/plans/range.h"

#include <gtest/gtest.h>

namespace coordinator::plans {
namespace {

using common::Cursor;
using common::Source;

constexpr common::UnixSeconds kNow = 1'800'000'000;

TEST(RangeTaskTest, IsReadAsItIsWritten) {
  for (const char* text : {"subgraph 1-99", "rpc 33605403-head"}) {
    EXPECT_EQ(ToString(ParseRangeTask(text).value()), text);
  }
  for (const char* text : {"", "rpc", "rpc 1", "rpc 1-", "rpc x-2", "rpc -1-2", "moon 1-2"}) {
    EXPECT_FALSE(ParseRangeTask(text).has_value()) << text;
  }
}

TEST(PlanRangeTest, SpansFollowEachOtherToTheEnd) {
  const auto spans = PlanRange(Source::kSubgraph, {}, {}, {}, kNow);
  ASSERT_GT(spans.size(), 100U);
  EXPECT_EQ(spans.front().from, 1);
  for (std::size_t i = 1; i < spans.size(); ++i) EXPECT_EQ(spans[i].from, *spans[i - 1].to + 1);
  EXPECT_EQ(spans.back().to, common::kV1Cutover);
}

TEST(PlanRangeTest, BlocksEndAtTheHead) {
  const auto spans = PlanRange(Source::kRpc, {}, {}, {}, kNow);
  EXPECT_EQ(spans.front().from, kFirstBlock);
  EXPECT_FALSE(spans.back().to.has_value());
  EXPECT_EQ(PlanRange(Source::kRpc, Coverage{Source::kRpc, 1, 5, 99'000'000}, {}, {}, kNow),
            (std::vector<RangeTask>{{Source::kRpc, 99'000'001, std::nullopt}}));
}

TEST(PlanRangeTest, NothingIsLeftOfAnArchiveThatIsTold) {
  EXPECT_TRUE(PlanRange(Source::kSubgraph, Coverage{Source::kSubgraph, 1, common::kV1Cutover, 0},
                        {}, {}, kNow)
                  .empty());
}

TEST(AdvanceTest, TakesWhatFollowsAndWaitsAtAGap) {
  const RangeTask first{Source::kRpc, kFirstBlock, kFirstBlock + 9};
  const Coverage begun = BeginCoverage(first);
  EXPECT_LT(begun.to_ts, begun.from_ts);
  const RangeDone one{first, kFirstBlock + 9, 100, 120};
  const RangeDone two{{Source::kRpc, kFirstBlock + 10, {}}, kFirstBlock + 15, 121, 140};
  const RangeDone far{{Source::kRpc, kFirstBlock + 20, {}}, kFirstBlock + 25, 150, 160};
  EXPECT_EQ(Advance(begun, {two, far}), begun);
  const Coverage covered = Advance(begun, {far, two, one});
  EXPECT_EQ(covered, (Coverage{Source::kRpc, 1, 140, kFirstBlock + 15}));
}

TEST(PlanRangeTest, WhatIsMissingBeforeTheCoverageIsToldFirst) {
  const Coverage covered{Source::kRpc, 700, 900, 40'000'000, 39'000'000};
  const auto spans = PlanRange(Source::kRpc, covered, 38'950'000, {}, kNow);
  ASSERT_GE(spans.size(), 2U);
  EXPECT_EQ(spans[0], (RangeTask{Source::kRpc, 38'950'000, 38'999'999}));
  EXPECT_EQ(spans[1].from, 40'000'001);
  const Coverage archive{Source::kSubgraph, 1'700'000'000, common::kV1Cutover, 0};
  const auto seconds = PlanRange(Source::kSubgraph, archive, 1, {}, kNow);
  ASSERT_FALSE(seconds.empty());
  EXPECT_EQ(seconds.front().from, 1);
  EXPECT_EQ(seconds.back().to, 1'699'999'999);
}

TEST(WhyNothingTest, SecondsAreNoBlocksAndTheArchiveEnds) {
  EXPECT_FALSE(WhyNothing(common::Source::kRpc, 33'605'403, kNow));
  EXPECT_FALSE(WhyNothing(common::Source::kRpc, 95'000'000, kNow));
  EXPECT_TRUE(WhyNothing(common::Source::kRpc, 1'700'000'000, kNow));
  EXPECT_FALSE(WhyNothing(common::Source::kSubgraph, common::kV1Cutover, kNow));
  EXPECT_TRUE(WhyNothing(common::Source::kSubgraph, common::kV1Cutover + 1, kNow));
}

TEST(WhyNoRangeTest, ARangeJoinsWhatIsToldOrIsRefused) {
  const Coverage covered{Source::kRpc, 700, 900, 200, 100};
  EXPECT_FALSE(WhyNoRange(covered, 201, {}));
  EXPECT_FALSE(WhyNoRange(covered, 50, {}));
  EXPECT_FALSE(WhyNoRange(covered, 50, 99));
  for (const std::int64_t from : {100, 150, 200, 202}) EXPECT_TRUE(WhyNoRange(covered, from, {}));
  EXPECT_TRUE(WhyNoRange(covered, 50, 98));
  EXPECT_FALSE(WhyNoRange({Source::kRpc, 700, 699, 99}, 300, {})) << "nothing is told yet";
  EXPECT_TRUE(WhyNoRange({Source::kRpc, 700, 900, 200, 0}, 50, {})) << "nobody knows its beginning";
}

TEST(AdvanceTest, TakesWhatGoesBeforeAndWaitsAtAGap) {
  const Coverage covered{Source::kRpc, 700, 900, kFirstBlock + 40, kFirstBlock + 20};
  const RangeDone last{
      {Source::kRpc, kFirstBlock + 10, kFirstBlock + 19}, kFirstBlock + 19, 600, 690};
  const RangeDone first{{Source::kRpc, kFirstBlock, kFirstBlock + 9}, kFirstBlock + 9, 500, 590};
  EXPECT_EQ(Advance(covered, {first}), covered);
  EXPECT_EQ(Advance(covered, {last}),
            (Coverage{Source::kRpc, 600, 900, kFirstBlock + 40, kFirstBlock + 10}));
  EXPECT_EQ(Advance(covered, {last, first}),
            (Coverage{Source::kRpc, 1, 900, kFirstBlock + 40, kFirstBlock}));
  const Coverage archive{Source::kSubgraph, 700, 900, 0};
  EXPECT_EQ(Advance(archive, {{{Source::kSubgraph, 1, 699}, 698, 1, 698}}), archive);
  EXPECT_EQ(Advance(archive, {{{Source::kSubgraph, 1, 699}, 699, 1, 699}}).from_ts, 1);
}

TEST(AdvanceTest, ASpanThatFoundNoBlockAddsNothing) {
  const Coverage covered{Source::kRpc, 1, 140, 50};
  EXPECT_EQ(Advance(covered, {{{Source::kRpc, 51, 60}, 50, 0, 0}}), covered);
}

TEST(AdvanceTest, AMiddleBeginsWhereItsFirstBlockWas) {
  const Coverage begun = BeginCoverage({Source::kRpc, kFirstBlock + 100, {}});
  EXPECT_EQ(begun.from_ts, kUnknownBegin);
  const auto covered =
      Advance(begun, {{{Source::kRpc, kFirstBlock + 100, {}}, kFirstBlock + 120, 700, 740}});
  EXPECT_EQ(covered, (Coverage{Source::kRpc, 700, 740, kFirstBlock + 120}));
}

class WithCoverageTest : public ::testing::Test {
 protected:
  std::vector<Cursor> Cover(std::vector<Cursor> cursors,
                            std::optional<common::UnixSeconds> skipped_to = {}) {
    return WithCoverage(std::move(cursors), {{Source::kRpc, from_, 500, 9}}, skipped_to);
  }
  common::UnixSeconds from_ = 1;
};

TEST_F(WithCoverageTest, AWalletWithoutCursorsIsCoveredFromTheFirstSecond) {
  EXPECT_EQ(Cover({}), (std::vector<Cursor>{{Source::kRpc, 1, 500, ""}}));
  from_ = 100;
  EXPECT_TRUE(Cover({}).empty());
}

TEST_F(WithCoverageTest, RangesGoOnWhereAWalletsOwnSyncEnds) {
  const Cursor own{Source::kDataApi, 1, 300, ""};
  EXPECT_EQ(Cover({own}), (std::vector<Cursor>{own, {Source::kRpc, 301, 500, ""}}));
  from_ = 302;
  EXPECT_EQ(Cover({own}), std::vector<Cursor>{own});
}

TEST_F(WithCoverageTest, AWalkUnderWayOrWhatWasSkippedIsNotCovered) {
  const Cursor walking{Source::kDataApi, 1, 300, "page"};
  EXPECT_EQ(Cover({walking}), std::vector<Cursor>{walking});
  const Cursor own{Source::kDataApi, 1, 300, ""};
  EXPECT_EQ(Cover({own}, 400), std::vector<Cursor>{own});
  EXPECT_EQ(Cover({own}, 300).size(), 2U);
}

TEST_F(WithCoverageTest, RangesThatBeginBehindAGapProveNothing) {
  from_ = 100;
  const std::vector<Cursor> gap = {{Source::kDataApi, 1, 50, ""}, {Source::kRpc, 100, 0, ""}};
  EXPECT_EQ(Cover(gap), gap);
  const std::vector<Cursor> joined = {{Source::kDataApi, 1, 99, ""}, {Source::kRpc, 100, 0, ""}};
  EXPECT_EQ(Cover(joined)[1].complete_to, 500);
}

TEST_F(WithCoverageTest, OneRangeSourceGoesOnWhereAnotherEnds) {
  const std::vector<Coverage> both = {{Source::kSubgraph, 1, 300, 0}, {Source::kRpc, 301, 500, 9}};
  const auto covered =
      WithCoverage({{Source::kSubgraph, 1, 0, ""}, {Source::kRpc, 301, 0, ""}}, both, {});
  EXPECT_EQ(covered[0].complete_to, 300);
  EXPECT_EQ(covered[1].complete_to, 500);
}

TEST_F(WithCoverageTest, TheRangesOwnCursorReachesAsFarAsTheyDo) {
  EXPECT_EQ(Cover({{Source::kRpc, 1, 0, ""}}), (std::vector<Cursor>{{Source::kRpc, 1, 500, ""}}));
}

}  // namespace
}  // namespace coordinator::plans
