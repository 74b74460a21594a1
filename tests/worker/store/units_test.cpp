// Batches of units on a real database: the fence, replays, and who owns which trade.
#include <gtest/gtest.h>

#include "tests/worker/store/store_fixture.h"
#include "worker/store/unit_batch.h"

namespace worker::store {
namespace {

using common::Source;
using common::UnixSeconds;

constexpr UnixSeconds kBase = 1'700'000'000;

class UnitsTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    if (server_ == nullptr) return;
    Query(
        "INSERT INTO work_unit (kind, task) SELECT 'range', 'rpc ' || n FROM "
        "generate_series(1, 3) n");
  }

  // Of the wallets that the fixture has made: 1 to kWallets; others are new.
  static common::WalletAddress AddressOf(int wallet) {
    common::WalletAddress address;
    address.bytes[19] = static_cast<std::uint8_t>(wallet);
    return address;
  }
  static common::ConditionId ConditionOf(int n) {
    common::ConditionId condition;
    condition.bytes[31] = static_cast<std::uint8_t>(n);
    return condition;
  }

  static UnitBatch Begin(const std::string& kind) {
    UnitBatch batch;
    batch.run = kRun;
    batch.chunk = kChunk;
    batch.epoch = kEpoch;
    batch.kind = kind;
    return batch;
  }
  static UnitProgress& Progress(UnitBatch& batch, int unit, const std::string& position) {
    UnitProgress progress;
    progress.unit = common::WalletId{unit};
    progress.position = position;
    progress.rows = 7;
    batch.units.push_back(std::move(progress));
    return batch.units.back();
  }
  // The n-th fill of a wallet, at kBase + n.
  static void Fill(UnitBatch& batch, int wallet, int n, UnixSeconds range_from = kBase,
                   Source source = Source::kRpc) {
    common::Trade trade = Row(wallet, n).trade;
    trade.source = source;
    batch.rows.trades.push_back({AddressOf(wallet), range_from, trade});
  }
  UnitBatch RangeOf(int wallet, int from, int to, UnixSeconds range_from = kBase) {
    UnitBatch batch = Begin("range");
    for (int n = from; n < to; ++n) Fill(batch, wallet, n, range_from);
    Progress(batch, 1, "at " + std::to_string(to));
    return batch;
  }

  Receipt Written(const UnitBatch& batch) {
    // As the store loop does: a machine that stands still for long loses its session.
    auto receipt = store().WriteUnits(batch);
    for (int again = 0; again < 3 && !receipt; ++again) {
      if (receipt.error().kind == common::ErrorKind::kTransient)
        receipt = store().WriteUnits(batch);
    }
    EXPECT_TRUE(receipt.has_value()) << (receipt ? "" : receipt.error().message);
    return receipt ? *receipt : Receipt{};
  }
  PostgresTradeStore& store() {
    if (!store_) store_.emplace(url_, 1);
    return *store_;
  }
  void Cursor(int wallet, Source source, UnixSeconds from, UnixSeconds to,
              const std::string& position = "") {
    Query(fmt::format("INSERT INTO wallet_cursor VALUES ({}, {}, {}, {}, '{}', 5)", wallet,
                      static_cast<int>(source), from, to, position));
  }
  std::int64_t TradesOf(int wallet, const std::string& condition = "true") const {
    return QueryInt(
        fmt::format("SELECT count(*) FROM trade WHERE wallet_id = {} AND {}", wallet, condition));
  }
  std::string QueryText(const std::string& sql) const { return std::string(Query(sql).Text(0, 0)); }
  std::int64_t OwnedFrom(int wallet, Source source = Source::kRpc) const {
    return QueryInt(
        fmt::format("SELECT owned_from FROM wallet_cursor WHERE wallet_id = {} AND source = {}",
                    wallet, static_cast<int>(source)));
  }

 private:
  std::optional<PostgresTradeStore> store_;
};

TEST_F(UnitsTest, RowsAndPositionMoveTogether) {
  const Receipt receipt = Written(RangeOf(3, 0, 10));
  EXPECT_FALSE(receipt.fenced);
  EXPECT_EQ(receipt.stored, 10U);
  EXPECT_EQ(TradesOf(3), 10);
  EXPECT_EQ(Sync(3, "trades_stored"), 10);
  EXPECT_EQ(OwnedFrom(3), 1);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 1"),
            "at 10");
  EXPECT_EQ(QueryInt("SELECT rows FROM work_unit WHERE unit_id = 1"), 7);
}

TEST_F(UnitsTest, LostLeaseWritesNothing) {
  Lease(kChunk, common::Epoch{11});
  EXPECT_TRUE(Written(RangeOf(3, 0, 10)).fenced);
  EXPECT_EQ(Trades(), 0);
  EXPECT_EQ(QueryInt("SELECT status FROM work_unit WHERE unit_id = 1"), 0);
}

TEST_F(UnitsTest, OfferingABatchAgainChangesNothing) {
  const UnitBatch batch = RangeOf(3, 0, 10);
  Written(batch);
  EXPECT_EQ(Written(batch).stored, 0U);
  EXPECT_EQ(TradesOf(3), 10);
  EXPECT_EQ(Sync(3, "trades_stored"), 10);
  EXPECT_EQ(QueryInt("SELECT rows FROM work_unit WHERE unit_id = 1"), 7);
}

TEST_F(UnitsTest, RowsThatExistAreSkippedAndTheRestStored) {
  Written(RangeOf(3, 0, 10));
  EXPECT_EQ(Written(RangeOf(3, 5, 15)).stored, 5U);
  EXPECT_EQ(QueryInt("SELECT sum(wallets)::bigint FROM run_told"), 1);
  EXPECT_EQ(Sync(3, "trades_stored"), 15);
  EXPECT_EQ(Sync(3, "last_trade_ts"), kBase + 14);
}

TEST_F(UnitsTest, NewWalletsAreBornWithTheirFinder) {
  UnitBatch batch = Begin("range");
  Fill(batch, 200, 1);
  Fill(batch, 200, 2);
  Progress(batch, 1, "x");
  EXPECT_EQ(Written(batch).stored, 2U);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet WHERE discovered_by = 'range'"), 1);
}

TEST_F(UnitsTest, WalletsThatAreKnownUseUpNoNumbers) {
  for (int i = 0; i < 5; ++i) {
    UnitBatch batch = Begin("holders");
    batch.rows.wallets = {{AddressOf(3), FoundBy::kHolders, 0},
                          {AddressOf(4), FoundBy::kTrades, 9}};
    Progress(batch, 1, std::to_string(i));
    Written(batch);
  }
  UnitBatch batch = Begin("holders");
  batch.rows.wallets = {{AddressOf(201), FoundBy::kHolders, 0}};
  Progress(batch, 1, "x");
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT max(wallet_id) FROM wallet"), kWallets + 1);
}

TEST_F(UnitsTest, FoundWalletsAreDueUntilTheirSyncHasProvenIt) {
  Query(fmt::format("INSERT INTO wallet_sync (wallet_id, complete_to) VALUES (3, {}), (4, {})",
                    kBase + 10, kBase + 10));
  UnitBatch batch = Begin("holders");
  batch.rows.wallets = {{AddressOf(3), FoundBy::kTrades, kBase + 5},
                        {AddressOf(4), FoundBy::kTrades, kBase + 20},
                        {AddressOf(4), FoundBy::kHolders, 0},
                        {AddressOf(5), FoundBy::kHolders, 0}};
  Progress(batch, 1, "x");
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due WHERE wallet_id = 3"), 0);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 4"), kBase + 20);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 5"), 0);
}

TEST_F(UnitsTest, RangeBeginsWhereAFinishedWalkEnds) {
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

TEST_F(UnitsTest, WalkThatIsUnderWayOwnsEverything) {
  Cursor(3, Source::kDataApi, 1, kBase, "page 7");
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 0U);
  EXPECT_EQ(TradesOf(3), 0);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 3 AND skipped"), kBase + 19);
}

TEST_F(UnitsTest, WhatAnotherSourceTookOverIsNotTheRanges) {
  Cursor(3, Source::kRpc, 1, 0);
  Cursor(3, Source::kDataApi, kBase + 5, kBase + 9);
  EXPECT_EQ(Written(RangeOf(3, 0, 20)).stored, 15U);
  EXPECT_EQ(TradesOf(3, fmt::format("ts BETWEEN {} AND {}", kBase + 5, kBase + 9)), 0);
  EXPECT_EQ(OwnedFrom(3), kBase + 10);
}

TEST_F(UnitsTest, CoverageOfAnotherRangeIsItsOwn) {
  Cursor(3, Source::kSubgraph, 1, 0);
  Query(fmt::format("INSERT INTO coverage VALUES (1, 1, {})", kBase + 4));
  EXPECT_EQ(Written(RangeOf(3, 0, 10)).stored, 5U);
  EXPECT_EQ(OwnedFrom(3), kBase + 5);
}

// Its own sync, a range, its own sync, a range: each goes on where the one before ended.
TEST_F(UnitsTest, WalletThatSyncsAndRangesTellInTurnStaysProven) {
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

TEST_F(UnitsTest, ReplacedSpanLosesWhatIsNotToldAgain) {
  Written(RangeOf(3, 0, 10));
  UnitBatch batch = RangeOf(3, 6, 9);
  batch.units.front().position = "again";
  batch.rows.replaced = {{Source::kRpc, kBase + 5, kBase + 20}};
  Written(batch);
  EXPECT_EQ(TradesOf(3), 8);
  EXPECT_EQ(Sync(3, "trades_stored"), 8);
}

// A wallet whose newest trade is older than the span is not even looked at.
TEST_F(UnitsTest, ReplacedSpanCostsNothingForWalletsThatHaveNotTradedSince) {
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
class SpansTest : public UnitsTest {
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

TEST_F(UnitsTest, FailureIsCountedOnceAndKeepsThePosition) {
  Written(RangeOf(3, 0, 10));
  UnitBatch failed = Begin("range");
  Progress(failed, 1, "");
  failed.units.front().position.reset();
  failed.units.front().state = WalletState::kFailed;
  failed.units.front().error = "no answer";
  Written(failed);
  Written(failed);
  EXPECT_EQ(QueryInt("SELECT error_count FROM work_unit WHERE unit_id = 1"), 1);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 1"),
            "at 10");
}

TEST_F(UnitsTest, CompletedUnitSaysWhatItReached) {
  UnitBatch batch = RangeOf(3, 0, 10);
  UnitProgress& unit = batch.units.front();
  unit.state = WalletState::kCompleted;
  unit.position = "";
  unit.complete_to = kBase + 50;
  unit.begins_at = kBase;
  unit.reached = 77;
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT done_run FROM work_unit WHERE unit_id = 1"), kRun.value);
  EXPECT_EQ(QueryInt("SELECT complete_to FROM work_unit WHERE unit_id = 1"), kBase + 50);
  EXPECT_EQ(QueryInt("SELECT reached FROM work_unit WHERE unit_id = 1"), 77);
  EXPECT_EQ(QueryInt("SELECT begins_at FROM work_unit WHERE unit_id = 1"), kBase);
}

TEST_F(UnitsTest, ActivityKeepsEqualRowsByTheirKeys) {
  UnitBatch batch = Begin("activity");
  sources::Activity row;
  row.ts = kBase;
  row.kind = sources::ActivityKind::kRedeem;
  row.condition = ConditionOf(1);
  row.usdc = 5;
  batch.rows.activity = {{AddressOf(3), row}, {AddressOf(3), row}};
  batch.rows.activity[1].row.event_key = 1;
  batch.rows.activity[1].row.token = Row(3, 1).trade.token;
  Progress(batch, 1, "x");
  EXPECT_EQ(Written(batch).stored, 2U);
  EXPECT_EQ(Written(batch).stored, 0U);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM activity WHERE token_key IS NULL"), 1);
}

TEST_F(UnitsTest, PositionsThatAreNotToldAgainAreGone) {
  const auto told = [&](common::RunId run, const std::vector<int>& tokens) {
    UnitBatch batch = Begin("positions");
    batch.run = run;
    for (const int token : tokens) {
      sources::Position position;
      position.wallet = AddressOf(3);
      position.token = Row(3, token).trade.token;
      position.size = 12'500'000;
      position.realized_pnl = -3'250'000;
      position.status = "OPEN";
      batch.rows.positions.push_back(position);
    }
    batch.rows.positions_told = {{AddressOf(3), 100'500'000}};
    Progress(batch, 1, std::to_string(run.value));
    Written(batch);
  };
  told(common::RunId{1}, {0, 1, 2});
  told(common::RunId{2}, {1, 3});
  EXPECT_EQ(QueryInt("SELECT count(*) FROM position WHERE wallet_id = 3"), 2);
  EXPECT_EQ(QueryText("SELECT realized_pnl FROM position LIMIT 1"), "-3.250000");
  EXPECT_EQ(QueryText("SELECT value FROM portfolio_value WHERE wallet_id = 3"), "100.500000");
}

TEST_F(UnitsTest, CatalogIsWrittenOnceAndUsesUpNoNumbers) {
  UnitBatch batch = Begin("markets");
  MarketInfo market;
  market.condition = ConditionOf(1);
  market.question = "Will it rain?";
  market.event_id = "e1";
  market.outcomes = {"Yes", "No"};
  market.tokens = {Row(1, 0).trade.token, Row(1, 1).trade.token};
  market.volume = "12.75";
  market.closed_at = kBase;
  market.question_id = "0x" + std::string(64, 'a');
  market.resolution = Resolution{ResolutionSource::kGamma, {1, 0}, 0};
  EventInfo event;
  event.event_id = "e1";
  event.title = "Rain";
  event.tags = {"Weather"};
  event.volume = "99";
  batch.rows.markets = {market};
  batch.rows.events = {event};
  Progress(batch, 1, "x");
  EXPECT_EQ(Written(batch).stored, 4U);
  EXPECT_EQ(Written(batch).stored, 0U);
  for (int i = 2; i < 6; ++i) {
    batch.rows.markets[0].condition = ConditionOf(i);
    batch.rows.markets[0].tokens.clear();
    Written(batch);
  }
  EXPECT_EQ(QueryInt("SELECT max(market_key) FROM market"), 5);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM market WHERE resolved AND volume = 12.75 AND "
                     "payouts = '{1,0}' AND event_key = 1"),
            5);
}

TEST_F(UnitsTest, HigherAuthorityDecidesHowAMarketEnded) {
  UnitBatch batch = Begin("markets");
  MarketInfo market;
  market.condition = ConditionOf(1);
  batch.rows.markets = {market};
  batch.rows.resolutions = {
      {ConditionOf(1), {ResolutionSource::kGamma, {1, 0}, 0}},
      {ConditionOf(1), {ResolutionSource::kDataApi, {500'000, 500'000}, kBase}},
      {ConditionOf(9), {ResolutionSource::kDataApi, {1, 0}, kBase}}};
  Progress(batch, 1, "x");
  Written(batch);
  batch.rows.resolutions = {{ConditionOf(1), {ResolutionSource::kClob, {0, 1}, 0}}};
  Written(batch);
  EXPECT_EQ(QueryText("SELECT payouts FROM market"), "{0.500000,0.500000}");
  EXPECT_EQ(QueryInt("SELECT resolution_source FROM market"), 2);
}

}  // namespace
}  // namespace worker::store
