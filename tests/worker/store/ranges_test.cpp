// Who owns which trade where ranges and syncs meet, and whether the spans of ranges join.
#include "tests/worker/store/units_fixture.h"

namespace worker::store {
namespace {

class RangesTest : public UnitsFixture {};

TEST_F(RangesTest, RangeBeginsWhereAFinishedWalkEnds) {
  Written(RangeOf(9, 0, 1));  // another wallet, so that the lane is known
  Batch walked = BatchOf(3, 0, 10);
  PostgresTradeStore other(url_, 2);
  ASSERT_TRUE(other.Write(Completed(std::move(walked), kBase + 7)).has_value());
  // Rows behind what the walk has proven are told by the range anew.
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 12U);
  EXPECT_EQ(OwnedFrom(3), kBase + 8);
  EXPECT_EQ(TradesOf(3, "source = '2'"), 8);
  EXPECT_EQ(TradesOf(3, "source = '3'"), 12);
  EXPECT_EQ(Sync(3, "trades_stored"), 20);
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 0U);
  EXPECT_EQ(TradesOf(3), 20);
}

TEST_F(RangesTest, WalkThatIsUnderWayOwnsEverything) {
  Cursor(3, Source::kDataApi, 1, kBase, "page 7");
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 0U);
  EXPECT_EQ(TradesOf(3), 0);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 3 AND skipped"), kBase + 19);
}

TEST_F(RangesTest, WhatAnotherSourceTookOverIsNotTheRanges) {
  Cursor(3, Source::kRpc, 1, 0);
  Cursor(3, Source::kDataApi, kBase + 5, kBase + 9);
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 15U);
  EXPECT_EQ(TradesOf(3, fmt::format("ts BETWEEN {} AND {}", kBase + 5, kBase + 9)), 0);
  EXPECT_EQ(OwnedFrom(3), kBase + 10);
}

TEST_F(RangesTest, CoverageOfAnotherRangeIsItsOwn) {
  Cursor(3, Source::kSubgraph, 1, 0);
  Query(fmt::format("INSERT INTO coverage VALUES (1, 1, {})", kBase + 4));
  EXPECT_EQ(Written(RangeOf(3, 0, 10)).stored, 5U);
  EXPECT_EQ(OwnedFrom(3), kBase + 5);
}

// Its own sync, a range, its own sync, a range: each goes on where the one before ended.
TEST_F(RangesTest, WalletThatSyncsAndRangesTellInTurnStaysProven) {
  PostgresTradeStore other(url_, 2);
  Batch walked = BatchOf(3, 0, 10);
  ASSERT_TRUE(other.Write(Completed(std::move(walked), kBase + 9)).has_value());
  EXPECT_EQ(Sync(3, "complete_to"), kBase + 9);
  Written(RangeOf(3, 10, 20));
  Query(fmt::format("INSERT INTO coverage VALUES (3, 1, {})", kBase + 19));
  Batch again = Completed(BatchOf(3, 20, 30), kBase + 29);
  again.wallets[0].cursor->owned_from = kBase + 20;
  again.wallets[0].takes_over = true;
  ASSERT_TRUE(other.Write(again).has_value());
  EXPECT_EQ(Sync(3, "complete_to"), kBase + 29);
  UnitBatch next = RangeOf(3, 30, 40, kBase + 30);
  next.units.front().position = "next";
  EXPECT_EQ(Written(next).stored, 10U);
  EXPECT_EQ(Sync(3, "complete_to"), kBase + 29);
  EXPECT_EQ(TradesOf(3), 40);
  EXPECT_EQ(OwnedFrom(3), kBase + 30);
}

TEST_F(RangesTest, ReplacedSpanLosesWhatIsNotToldAgain) {
  Written(RangeOf(3, 0, 10));
  UnitBatch batch = RangeOf(3, 6, 9);
  batch.units.front().position = "again";
  batch.rows.replaced = {{Source::kRpc, kBase + 5, kBase + 20}};
  Written(batch);
  EXPECT_EQ(TradesOf(3), 8);
  EXPECT_EQ(Sync(3, "trades_stored"), 8);
}

// A wallet whose newest trade is older than the span is not even looked at.
TEST_F(RangesTest, ReplacedSpanCostsNothingForWalletsThatHaveNotTradedSince) {
  Written(RangeOf(3, 0, 10));
  Written(RangeOf(4, 0, 10));
  Query(fmt::format("UPDATE wallet_sync SET last_trade_ts = {} WHERE wallet_id = 4", kBase));
  UnitBatch batch = Begin("range");
  Progress(batch, 1, "again");
  batch.rows.replaced = {{Source::kRpc, kBase + 5, kBase + 20}};
  Written(batch);
  EXPECT_EQ(TradesOf(3), 5);
  EXPECT_EQ(TradesOf(4), 10);
}

// A unit that has told the blocks behind `behind` up to `last`, of these chains.
class SpansTest : public UnitsFixture {
 protected:
  static sources::RpcBlock BlockOf(std::uint64_t number, std::uint8_t chain) {
    sources::RpcBlock block;
    block.number = number;
    block.hash.bytes[0] = chain;
    block.hash.bytes[31] = static_cast<std::uint8_t>(number);
    block.ts = kBase + static_cast<UnixSeconds>(2 * number);
    return block;
  }
  Receipt Told(int unit, std::uint64_t behind, std::uint64_t last, std::uint8_t behind_chain = 1,
               std::uint8_t last_chain = 1) {
    UnitBatch batch = Begin("range");
    UnitProgress& progress = Progress(batch, unit, "stands here");
    progress.state = WalletState::kCompleted;
    progress.span =
        ToldSpan{Source::kRpc, BlockOf(behind, behind_chain), BlockOf(last, last_chain)};
    return Written(batch);
  }
  std::int64_t StatusOf(int unit) const {
    return QueryInt(fmt::format("SELECT status FROM work_unit WHERE unit_id = {}", unit));
  }
};

TEST_F(SpansTest, SpansThatJoinAreDoneInAnyOrder) {
  EXPECT_TRUE(Told(1, 99, 199).broken.empty());
  EXPECT_TRUE(Told(3, 299, 399).broken.empty());
  EXPECT_TRUE(Told(2, 199, 299).broken.empty());
  for (const int unit : {1, 2, 3}) EXPECT_EQ(StatusOf(unit), 2);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 2"),
            "");
  EXPECT_TRUE(Told(2, 199, 299).broken.empty()) << "the same batch again";
  EXPECT_EQ(QueryInt("SELECT count(*) FROM told_span"), 3);
}

TEST_F(SpansTest, SpanBelowOfAnotherChainLeavesTheUnitUndone) {
  Told(1, 99, 199);
  Told(2, 199, 299);
  const Receipt receipt = Told(3, 299, 399, 2, 2);
  ASSERT_EQ(receipt.broken.size(), 1U);
  const BrokenSpan& broken = receipt.broken[0];
  EXPECT_EQ(broken.unit, common::WalletId{3});
  EXPECT_EQ(broken.at, 299U);
  EXPECT_EQ(broken.through, 0U);
  ASSERT_EQ(broken.below.size(), 3U);
  EXPECT_EQ(broken.below[0], BlockOf(299, 1));
  EXPECT_EQ(broken.below[1], BlockOf(199, 1));
  EXPECT_EQ(broken.below[2], BlockOf(99, 1));
  EXPECT_EQ(StatusOf(3), 1);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 3"),
            "stands here");
  // It has told the second span anew.
  EXPECT_TRUE(Told(3, 199, 399, 1, 2).broken.empty());
  EXPECT_EQ(StatusOf(3), 2);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM told_span"), 2);
}

TEST_F(SpansTest, SpanAboveOfAnotherChainIsToBeToldAnew) {
  Told(2, 199, 299);
  const Receipt receipt = Told(1, 99, 199, 2, 2);
  ASSERT_EQ(receipt.broken.size(), 1U);
  EXPECT_EQ(receipt.broken[0].at, 199U);
  EXPECT_EQ(receipt.broken[0].through, 299U);
  EXPECT_EQ(receipt.broken[0].through_ts, BlockOf(299, 1).ts);
  EXPECT_TRUE(receipt.broken[0].below.empty());
  EXPECT_TRUE(Told(1, 99, 299, 2, 2).broken.empty());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM told_span"), 1);
}

}  // namespace
}  // namespace worker::store
