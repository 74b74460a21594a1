#include "worker/jobs/ownership.h"

#include <gtest/gtest.h>

namespace worker::jobs {
namespace {

using common::Cursor;
using common::Source;

constexpr Source kArchive = Source::kSubgraph;
constexpr Source kLive = Source::kDataApi;

TEST(OwnershipTest, AutoIsTheDataApi) {
  EXPECT_EQ(SourceFor("auto"), kLive);
  EXPECT_EQ(SourceFor("subgraph"), kArchive);
  EXPECT_EQ(SourceFor("nonsense"), std::nullopt);
}

TEST(OwnershipTest, NewWalletBeginsAtItsFirstSecond) {
  for (const Source source : {kArchive, kLive}) {
    const WalkStart start = BeginWalk(source, {});
    EXPECT_EQ(start.cursor, (Cursor{source, 1, 0, ""}));
    EXPECT_FALSE(start.takes_over || start.nothing_to_do || start.last_second);
  }
}

TEST(OwnershipTest, SourceGoesOnFromItsOwnCursor) {
  const Cursor own{kLive, 501, 900, "walk"};
  const WalkStart start = BeginWalk(kLive, {{kArchive, 1, 500, ""}, own});
  EXPECT_EQ(start.cursor, own);
  EXPECT_FALSE(start.takes_over);
}

TEST(OwnershipTest, DataApiTakesOverWhereTheArchiveIsProven) {
  const WalkStart start = BeginWalk(kLive, {{kArchive, 1, 500, "half-way"}});
  EXPECT_EQ(start.cursor, (Cursor{kLive, 501, 0, ""}));
  EXPECT_TRUE(start.takes_over);
}

TEST(OwnershipTest, ArchiveMayFillInOnlyWhatLiesBefore) {
  const WalkStart start = BeginWalk(kArchive, {{kLive, 501, 900, ""}});
  EXPECT_EQ(start.cursor.owned_from, 1);
  EXPECT_EQ(start.last_second, 500);
  EXPECT_FALSE(start.nothing_to_do);
}

TEST(OwnershipTest, ArchiveHasNothingToDoWhereTheLiveSourceOwnsAll) {
  EXPECT_TRUE(BeginWalk(kArchive, {{kLive, 1, 900, ""}}).nothing_to_do);
}

TEST(OwnershipTest, ArchiveMayNotCompleteWhatTheLiveSourceHasNotToldYet) {
  for (const Cursor& live : {Cursor{kLive, 1, 0, "half-way"}, Cursor{kLive, 1, 0, ""},
                             Cursor{kLive, 1, 900, "in a refresh"}}) {
    const WalkStart start = BeginWalk(kArchive, {live});
    EXPECT_FALSE(start.nothing_to_do);
    EXPECT_NE(start.refusal.find("--source auto"), std::string::npos);
  }
  EXPECT_EQ(BeginWalk(kArchive, {{kLive, 1, 900, ""}}).refusal, "");
}

TEST(OwnershipTest, RowsOfARangeThatNeverCameThroughAreTakenOver) {
  const Cursor range{Source::kRpc, 901, 0, ""};
  const WalkStart start = BeginWalk(kLive, {{kLive, 1, 900, ""}, range});
  EXPECT_EQ(start.cursor.owned_from, 1);
  EXPECT_EQ(start.cursor.complete_to, 900);
  EXPECT_TRUE(start.takes_over);
  EXPECT_FALSE(BeginWalk(kLive, {{kLive, 1, 900, ""}}).takes_over);
}

TEST(OwnershipTest, ArchiveLeavesABeginningThatSomebodyHasTold) {
  const Cursor range{Source::kRpc, 901, 0, ""};
  EXPECT_NE(BeginWalk(kArchive, {{kLive, 1001, 0, ""}, range}, true).refusal, "");
  EXPECT_TRUE(BeginWalk(kArchive, {{kLive, 1001, 1200, ""}}, true).nothing_to_do);
  EXPECT_EQ(BeginWalk(kArchive, {{kLive, 1001, 1200, ""}}, false).last_second, 1000);
  EXPECT_EQ(BeginWalk(kArchive, {{kArchive, 1, 300, "x"}, {kLive, 501, 0, "y"}}, true).last_second,
            500);
}

TEST(OwnershipTest, ArchiveThatHasToldItsPartIsDone) {
  const std::vector<Cursor> stored = {{kArchive, 1, 500, ""}, {kLive, 501, 900, ""}};
  EXPECT_TRUE(BeginWalk(kArchive, stored).nothing_to_do);
}

TEST(OwnershipTest, ArchiveThatIsHalfWayGoesOnToTheBorder) {
  const std::vector<Cursor> stored = {{kArchive, 1, 300, "half-way"}, {kLive, 501, 900, ""}};
  const WalkStart start = BeginWalk(kArchive, stored);
  EXPECT_FALSE(start.nothing_to_do);
  EXPECT_EQ(start.last_second, 500);
}

TEST(OwnershipTest, GoesOnBehindWhatARangeHasTold) {
  const WalkStart start =
      BeginWalk(Source::kDataApi, {{Source::kDataApi, 1, 500, {}}, {Source::kRpc, 501, 900, {}}});
  EXPECT_EQ(start.cursor, (Cursor{Source::kDataApi, 901, 900, {}}));
  EXPECT_TRUE(start.takes_over);
}

TEST(OwnershipTest, WalkThatIsUnderWayIsNobodyElses) {
  const Cursor own{Source::kDataApi, 1, 500, "page 7"};
  const WalkStart start = BeginWalk(Source::kDataApi, {own, {Source::kRpc, 501, 900, {}}});
  EXPECT_EQ(start.cursor, own);
  EXPECT_FALSE(start.takes_over);
}

TEST(OwnershipTest, RangeThatWentBeforeIsNotGoneBehindTwice) {
  const Cursor own{Source::kDataApi, 501, 700, {}};
  const WalkStart start = BeginWalk(Source::kDataApi, {own, {Source::kRpc, 1, 900, {}}});
  EXPECT_EQ(start.cursor, own);
}

TEST(OwnershipTest, ArchiveFillsInBeforeARangeToo) {
  const WalkStart start = BeginWalk(Source::kSubgraph, {{Source::kRpc, 400, 900, {}}});
  EXPECT_EQ(start.last_second, 399);
}

}  // namespace
}  // namespace worker::jobs
