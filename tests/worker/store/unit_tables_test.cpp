// What units tell besides trades: activity, positions, markets and how they ended.
#include "tests/worker/store/units_fixture.h"

namespace worker::store {
namespace {

class UnitTablesTest : public UnitsFixture {};

TEST_F(UnitTablesTest, ActivityKeepsEqualRowsByTheirKeys) {
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

TEST_F(UnitTablesTest, PositionsThatTwoWalksInARowDoNotTellAreGone) {
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
  const auto held = [&] {
    return QueryInt("SELECT count(*) FROM position WHERE wallet_id = 3");
  };
  told(common::RunId{2}, {1, 3});
  told(common::RunId{2}, {1, 3});  // offered again
  EXPECT_EQ(held(), 4);
  told(common::RunId{3}, {0, 1});  // 0 was passed over once, 3 is now, 2 again
  EXPECT_EQ(held(), 3);
  told(common::RunId{4}, {1});
  EXPECT_EQ(held(), 2);
  told(common::RunId{5}, {1});
  EXPECT_EQ(held(), 1);
  EXPECT_EQ(QueryText("SELECT realized_pnl FROM position LIMIT 1"), "-3.250000");
  EXPECT_EQ(QueryText("SELECT value FROM portfolio_value WHERE wallet_id = 3"), "100.500000");
}

TEST_F(UnitTablesTest, CatalogIsWrittenOnceAndUsesUpNoNumbers) {
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

TEST_F(UnitTablesTest, HigherAuthorityDecidesHowAMarketEnded) {
  UnitBatch batch = Begin("markets");
  MarketInfo market;
  market.condition = ConditionOf(1);
  batch.rows.markets = {market};
  batch.rows.resolutions = {
      {ConditionOf(1), {ResolutionSource::kGamma, {1, 0}, 0}, {}},
      {ConditionOf(1), {ResolutionSource::kDataApi, {500'000, 500'000}, kBase}, {}},
      {ConditionOf(9), {ResolutionSource::kDataApi, {1, 0}, kBase}, {}}};
  Progress(batch, 1, "x");
  Written(batch);
  batch.rows.resolutions = {{ConditionOf(1), {ResolutionSource::kClob, {0, 1}, 0}, {}}};
  Written(batch);
  EXPECT_EQ(QueryText("SELECT payouts FROM market"), "{0.500000,0.500000}");
  EXPECT_EQ(QueryInt("SELECT resolution_source FROM market"), 2);
}

TEST_F(UnitTablesTest, PayoutsThatComeWithTokensArePutWhereTheMarketHasThem) {
  const auto token = [](int n) {
    return Row(3, n).trade.token;
  };
  UnitBatch batch = Begin("markets");
  MarketInfo market;
  market.condition = ConditionOf(1);
  market.outcomes = {"Yes", "No"};
  market.tokens = {token(0), token(1)};
  batch.rows.markets = {market};
  Progress(batch, 1, "x");
  Written(batch);
  batch.rows.markets.clear();
  const auto told = [&](std::vector<std::int64_t> payouts, std::vector<common::TokenId> tokens) {
    batch.rows.resolutions = {
        {ConditionOf(1), {ResolutionSource::kClob, std::move(payouts), 0}, std::move(tokens)}};
    Written(batch);
    return QueryText("SELECT coalesce(payouts::text, 'none') FROM market");
  };
  EXPECT_EQ(told({0, 1}, {token(0), token(2)}), "none") << "one of another market";
  EXPECT_EQ(told({1}, {token(0)}), "none") << "not all of them";
  EXPECT_EQ(told({0, 1}, {token(0), token(0)}), "none");
  EXPECT_EQ(told({0, 1}, {token(1), token(0)}), "{1.000000,0.000000}");
  EXPECT_EQ(QueryText("SELECT payout FROM tokens WHERE outcome = 'Yes'"), "1.000000");
  EXPECT_EQ(told({1}, {token(0)}), "{1.000000,0.000000}") << "what is stored stays";
  EXPECT_EQ(told({0, 1}, {token(0), token(1)}), "{0.000000,1.000000}");
}

}  // namespace
}  // namespace worker::store
