// Each walk with pages made by hand. Those by blocks: rpc_walks_test.cpp.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/worker/jobs/walks_fixture.h"
#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/subgraph_rows.h"

namespace worker::jobs {
namespace {

using common::ErrorKind;
using sources::kNow;
using sources::List;
using testing::HasSubstr;
using testing::Not;

class WalksTest : public WalksFixture {};

TEST_F(WalksTest, TasksThatCannotBeReadAreRefused) {
  EXPECT_FALSE(Make("markets", "markets ajar"));
  EXPECT_FALSE(Make("markets", "markets open since=5"));
  EXPECT_FALSE(Make("markets", "resolutions 0x12"));
  EXPECT_FALSE(Make("holders", "0x12"));
  EXPECT_FALSE(Make("range", "rpc 1"));
  EXPECT_FALSE(Make("range", "data-api 1-2"));
  EXPECT_FALSE(Make("activity", "somebody"));
  EXPECT_FALSE(Make("dreams", "markets open"));
  EXPECT_FALSE(IsUnitKind("trades"));
}

// --- The catalog -------------------------------------------------------------------------------

std::string Market(int n, const std::string& closed_time = "") {
  return fmt::format(R"({{"id":"{0}","conditionId":"0x{0:064x}","outcomes":"[\"Yes\",\"No\"]",)"
                     R"("clobTokenIds":"[\"{1}\",\"{2}\"]","closedTime":"{3}"}})",
                     n, 10 * n, 10 * n + 1, closed_time);
}
std::string Markets(const std::vector<std::string>& markets, const std::string& next) {
  return fmt::format(R"({{"markets":[{}]{}}})", fmt::join(markets, ","),
                     next.empty() ? "" : R"(,"next_cursor":")" + next + '"');
}

TEST_F(WalksTest, CatalogGoesFromCursorToCursor) {
  ASSERT_TRUE(Make("markets", "markets closed"));
  EXPECT_THAT(Asked(), HasSubstr("closed=true"));
  const UnitStep first = Step(Markets({Market(1), Market(2)}, "abc"));
  EXPECT_EQ(first.rows.markets.size(), 2U);
  EXPECT_FALSE(first.done);
  ASSERT_TRUE(Make("markets", "markets closed", first.position));
  EXPECT_THAT(Asked(), HasSubstr("after_cursor=abc"));
  const UnitStep last = Step(Markets({Market(3)}, ""));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.position, "");
}

TEST_F(WalksTest, PageThatRepeatsIsAnErrorAndMovesNothing) {
  ASSERT_TRUE(Make("markets", "markets open"));
  Step(Markets({Market(1), Market(2)}, "abc"));
  EXPECT_FALSE(Read(Markets({Market(1), Market(2)}, "abd")));
  EXPECT_FALSE(Read(Markets({Market(3)}, "abc")));
  EXPECT_THAT(Asked(), HasSubstr("after_cursor=abc"));
  EXPECT_TRUE(Read(Markets({Market(3)}, "abd")));
}

TEST_F(WalksTest, RecentlyClosedEndsWhereAllClosedBefore) {
  ASSERT_TRUE(Make("markets", "markets closed since=1778292421"));  // 2026-05-09 02:07:01
  EXPECT_FALSE(Step(Markets({Market(1, "2026-05-10 00:00:00+00")}, "a")).done);
  EXPECT_TRUE(Step(Markets({Market(2, "2026-05-08 00:00:00+00")}, "b")).done);
}

TEST_F(WalksTest, RecentlyClosedGoesOnWhereNothingProvesTheOrder) {
  constexpr char kTask[] = "markets closed since=1778292421";
  ASSERT_TRUE(Make("markets", kTask));
  const UnitStep refused = Step(Markets({R"({"id":"1"})"}, "a"));
  EXPECT_EQ(refused.refused.size(), 1U);
  EXPECT_FALSE(refused.done);
  EXPECT_FALSE(Step(Markets({Market(2, "2026-05-07 00:00:00+00")}, "b")).done);
  EXPECT_FALSE(Step(Markets({Market(3, "2026-05-08 00:00:00+00")}, "c")).done);
  const UnitStep old = Step(Markets({Market(4, "2026-05-07 00:00:00+00")}, "d"));
  EXPECT_TRUE(old.done);
  ASSERT_TRUE(Make("markets", kTask, refused.position));
  EXPECT_FALSE(Step(Markets({Market(5, "2026-05-06 00:00:00+00")}, "e")).done);
  EXPECT_TRUE(Step(Markets({Market(6, "2026-05-05 00:00:00+00")}, "f")).done);
}

// --- Holders -----------------------------------------------------------------------------------

constexpr char kCondition[] = "0x0000000000000000000000000000000000000000000000000000000000000007";
constexpr char kHolder[] = "0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a";
constexpr char kExchange[] = "0xc5d563a36ae78145c45a50134d48a1215220f80a";

std::string Trade(const std::string& wallet, common::UnixSeconds ts, int tx) {
  return fmt::format(
      R"({{"proxy_wallet":"{}","side":"BUY","token_id":"70","condition_id":"{}","size":5,)"
      R"("price":0.5,"timestamp":{},"outcome":"Yes","outcome_index":0,)"
      R"("transaction_hash":"0x{:064x}"}})",
      wallet, kCondition, ts, tx);
}

TEST_F(WalksTest, HoldersThenTradersAndNeverContracts) {
  ASSERT_TRUE(Make("holders", kCondition));
  EXPECT_THAT(Asked(), HasSubstr("/holders"));
  const UnitStep held =
      Step(List(fmt::format(R"({{"token_id":"70","holders":[{{"proxy_wallet":"{}","amount":5}},)"
                            R"({{"proxy_wallet":"{}","amount":5}}]}})",
                            kHolder, kExchange)));
  ASSERT_EQ(held.rows.wallets.size(), 1U);
  EXPECT_FALSE(held.done);
  ASSERT_TRUE(Make("holders", kCondition, held.position));
  walk_->KnowHorizon(kNow);
  EXPECT_THAT(Asked(), HasSubstr("/trades"));
  const UnitStep traded = Step(List(Trade(kHolder, kNow, 1) + "," + Trade(kExchange, kNow - 1, 2)));
  ASSERT_EQ(traded.rows.wallets.size(), 1U);
  EXPECT_EQ(traded.rows.wallets[0].seen_ts, kNow);
  EXPECT_TRUE(traded.done);
  EXPECT_EQ(traded.complete_to, kNow);
  EXPECT_TRUE(traded.rows.trades.empty());
}

TEST_F(WalksTest, TradersToldBeforeAreNotReadAgain) {
  ASSERT_TRUE(Make("holders", kCondition, "", kNow));
  walk_->KnowHorizon(kNow + 100);
  Step(List(""));
  EXPECT_FALSE(Step(List(Trade(kHolder, kNow + 50, 1), "a")).done);
  const UnitStep last = Step(List(Trade(kHolder, kNow - 5000, 2), "b"));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.complete_to, kNow + 50);
}

TEST_F(WalksTest, AFeedIsToldAsFarAsItsHeadWasCertain) {
  ASSERT_TRUE(Make("holders", kCondition));
  walk_->KnowHorizon(kNow - 400);
  Step(List(""));
  walk_->KnowHorizon(kNow - 300);
  const UnitStep head = Step(List(Trade(kHolder, kNow - 500, 1), "a"));
  EXPECT_EQ(head.reached, 0);
  // What is asked for later, by whomever, is not the head.
  ASSERT_TRUE(Make("holders", kCondition, head.position));
  walk_->KnowHorizon(kNow);
  EXPECT_THAT(Asked(), HasSubstr("cursor=a"));
  const UnitStep last = Step(List(Trade(kHolder, kNow - 600, 2)));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.reached, kNow - 300);
  EXPECT_EQ(last.complete_to, kNow - 500);
}

TEST_F(WalksTest, APositionWithoutAHorizonIsCertainOfNothing) {
  ASSERT_TRUE(Make("holders", kCondition));
  Step(List(""));
  std::string position = Step(List(Trade(kHolder, kNow, 1), "a")).position;
  position.erase(position.find(','), 2);
  ASSERT_TRUE(Make("holders", kCondition, position));
  walk_->KnowHorizon(kNow);
  const UnitStep last = Step(List(Trade(kHolder, kNow - 600, 2)));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.reached, 0);
  EXPECT_EQ(last.complete_to, 0);
}

TEST_F(WalksTest, TradersThatALaggingFeedLeftOutAreReadNextTime) {
  ASSERT_TRUE(Make("holders", kCondition, "", kNow));
  walk_->KnowHorizon(kNow + 3600);
  Step(List(""));
  // The newest trade is an hour ahead of what is served without gaps.
  Step(List(Trade(kHolder, kNow + 7200, 2), "a"));
  const UnitStep lagged = Step(List(Trade(kHolder, kNow - 5000, 1)));
  EXPECT_EQ(lagged.complete_to, kNow + 3600);
  ASSERT_TRUE(Make("holders", kCondition, "", lagged.complete_to));
  walk_->KnowHorizon(kNow + 9000);
  Step(List(""));
  EXPECT_FALSE(Step(List(Trade(kHolder, kNow + 6000, 3), "b")).done);
  EXPECT_TRUE(Step(List(Trade(kHolder, kNow + 2000, 4), "c")).done);
}

// --- Ranges ------------------------------------------------------------------------------------

std::string Newest(common::UnixSeconds ts) {
  return fmt::format(R"({{"data":{{"orderFilledEvents":[{{"timestamp":"{}"}}]}}}})", ts);
}

TEST_F(WalksTest, SubgraphRangeTellsEveryMaker) {
  ASSERT_TRUE(Make("range", fmt::format("subgraph {}-{}", sources::kThen, sources::kThen + 9)));
  EXPECT_TRUE(Step(Newest(common::kV1Cutover)).midway);
  const UnitStep step = Step(sources::Answer({{}}));
  ASSERT_EQ(step.rows.trades.size(), 1U);
  EXPECT_EQ(step.rows.trades[0].range_from, sources::kThen);
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.reached, sources::kThen + 9);
  EXPECT_EQ(step.complete_to, sources::kThen + 9);
  EXPECT_EQ(step.shortfall, "");
}

TEST_F(WalksTest, AnEventThatIsNoTradeHoldsItsWalletBackAndNotTheRange) {
  ASSERT_TRUE(Make("range", fmt::format("subgraph {}-{}", sources::kThen, sources::kThen + 9)));
  Step(Newest(common::kV1Cutover));
  const UnitStep step = Step(sources::Answer({{.tx = 1}, {.tx = 2, .got = "0"}}));
  EXPECT_EQ(step.rows.trades.size(), 1U);
  EXPECT_EQ(step.refused.size(), 1U);
  ASSERT_EQ(step.rows.wallets.size(), 1U);
  EXPECT_EQ(step.rows.wallets[0].address.ToString(), sources::kMaker);
  EXPECT_TRUE(step.rows.wallets[0].is_left_out);
  EXPECT_GE(step.rows.wallets[0].seen_ts, sources::kThen);
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.reached, sources::kThen + 9);
  EXPECT_EQ(step.shortfall, "");
}

TEST_F(WalksTest, ArchiveThatStoppedEarlyFallsShort) {
  ASSERT_TRUE(Make("range", fmt::format("subgraph {}-head", sources::kThen)));
  Step(Newest(sources::kThen + 5));
  const UnitStep step = Step(sources::Answer({{}}));
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.reached, sources::kThen + 5);
  EXPECT_THAT(step.shortfall, HasSubstr("stopped"));
}

// --- One page each -----------------------------------------------------------------------------

TEST_F(WalksTest, EmptyMarketsOfResolutionsAreAskedOfTheClob) {
  ASSERT_TRUE(Make("markets", fmt::format("resolutions {}", kCondition)));
  EXPECT_THAT(Asked(), HasSubstr("/resolutions"));
  EXPECT_FALSE(Step(List("")).done);
  EXPECT_THAT(Asked(), HasSubstr(std::string("/markets/") + kCondition));
  const auto step = Read(R"({"error":"not found"})", 404);
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->done);
}

TEST_F(WalksTest, OutcomeOfTheClobComesWithItsTokens) {
  ASSERT_TRUE(Make("markets", fmt::format("resolutions {}", kCondition)));
  Step(List(""));
  const UnitStep step =
      Step(fmt::format(R"({{"condition_id":"{}","tokens":[{{"token_id":"71","winner":false}},)"
                       R"({{"token_id":"70","winner":true}}]}})",
                       kCondition));
  ASSERT_EQ(step.rows.resolutions.size(), 1U);
  EXPECT_THAT(step.rows.resolutions[0].tokens,
              testing::ElementsAre(*common::TokenId::ParseDecimal("71"),
                                   *common::TokenId::ParseDecimal("70")));
}

TEST_F(WalksTest, BadPayoutsAreRefusedAndTheClobIsAskedInTheirPlace) {
  ASSERT_TRUE(Make("markets", fmt::format("resolutions {}", kCondition)));
  const UnitStep step = Step(List(
      fmt::format(R"({{"condition_id":"{}","status":"resolved","payouts":[0,0]}})", kCondition)));
  EXPECT_THAT(step.refused, testing::ElementsAre(HasSubstr(kCondition)));
  EXPECT_FALSE(step.done);
  EXPECT_THAT(Asked(), HasSubstr(std::string("/markets/") + kCondition));
  const auto last = Read(R"({"error":"invalid condition id"})", 422);
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->done);
}

TEST_F(WalksTest, PositionsAreReadByStatusThenTheirValue) {
  ASSERT_TRUE(Make("positions", kHolder));
  EXPECT_THAT(Asked(), HasSubstr("CLOSED"));
  Step(List(""));
  EXPECT_THAT(Asked(), HasSubstr("REDEEMABLE_LOST"));
  Step(List(""));
  EXPECT_THAT(Asked(), HasSubstr("OPEN"));
  const UnitStep open = Step(List(""));
  ASSERT_TRUE(Make("positions", kHolder, open.position));
  EXPECT_THAT(Asked(), HasSubstr("/value"));
  const UnitStep step =
      Step(fmt::format(R"({{"data":{{"proxy_wallet":"{}","value":12.5}}}})", kHolder));
  EXPECT_TRUE(step.done);
  ASSERT_EQ(step.rows.positions_told.size(), 1U);
  EXPECT_EQ(step.rows.positions_told[0].portfolio_value, 12'500'000);
}

TEST_F(WalksTest, PositionsOfWhichARowIsRefusedAreNotAllTold) {
  ASSERT_TRUE(Make("positions", kHolder));
  const UnitStep refused =
      Step(List(fmt::format(R"({{"proxy_wallet":"{}","token_id":"0xab"}})", kHolder)));
  EXPECT_EQ(refused.refused.size(), 1U);
  ASSERT_TRUE(Make("positions", kHolder, refused.position));
  EXPECT_THAT(Asked(), HasSubstr("REDEEMABLE_LOST"));
  Step(List(""));
  ASSERT_TRUE(Make("positions", kHolder, Step(List("")).position));
  const UnitStep last =
      Step(fmt::format(R"({{"data":{{"proxy_wallet":"{}","value":12.5}}}})", kHolder));
  EXPECT_TRUE(last.done);
  EXPECT_THAT(last.shortfall, HasSubstr("token id"));
  EXPECT_TRUE(last.rows.positions_told.empty());
}

TEST_F(WalksTest, ActivityIsCompleteToTheHorizonOfItsPage) {
  ASSERT_TRUE(Make("activity", kHolder));
  walk_->KnowHorizon(kNow);
  const UnitStep step = Step(List(""));
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.complete_to, kNow);
}

}  // namespace
}  // namespace worker::jobs
