// Holders, resolutions, and what goes for every route: refusals, cursors, faults, growth.
#include <algorithm>
#include <map>
#include <set>

#include "tests/sim/portfolio_fixture.h"

namespace sim {
namespace {

class PortfolioTest : public PortfolioFixture {};

TEST_F(PortfolioTest, HoldersAreNettedAndComeBiggestFirst) {
  std::map<std::string, std::map<std::string, std::int64_t>> told;
  const std::string condition = world_->markets()[0].condition_id;
  for (const Json& group : Walk("/v2/holders?limit=6&condition=" + condition)) {
    std::int64_t before = INT64_MAX;
    for (const Json& holder : group["holders"]) {
      const std::int64_t amount = Millionths(holder["amount"]);
      EXPECT_LE(amount, before);
      before = amount;
      EXPECT_TRUE(
          told[Text(group, "token_id")].emplace(Text(holder, "proxy_wallet"), amount).second);
    }
  }
  Books books(*world_);
  const auto holders = HoldersOf(*world_, 0, books);
  for (std::size_t outcome = 0; outcome < 2; ++outcome) {
    const auto& of_token = told[world_->tokens()[world_->markets()[0].tokens[outcome]].decimal];
    EXPECT_EQ(of_token.size(), holders[outcome].size());
    EXPECT_GT(of_token.size(), 6U);
  }
  for (const auto& [wallet, amount] : told.begin()->second) {
    EXPECT_FALSE(told.rbegin()->second.contains(wallet)) << wallet;
  }
}

TEST_F(PortfolioTest, SomeHoldersAreContracts) {
  std::size_t contracts = 0;
  Books books(*world_);
  for (std::uint32_t market = 0; market < world_->markets().size(); ++market) {
    for (const auto& of_outcome : HoldersOf(*world_, market, books)) {
      contracts += static_cast<std::size_t>(
          std::count_if(of_outcome.begin(), of_outcome.end(), [this](const Holder& holder) {
            return world_->wallets()[holder.wallet].kind != WalletKind::kUser;
          }));
    }
  }
  EXPECT_GT(contracts, 2U);
}

TEST_F(PortfolioTest, AMinimalBalanceLeavesSmallHoldersOut) {
  const std::string base = "/v2/holders?limit=1000&condition=" + world_->markets()[0].condition_id;
  const auto count = [&](const std::string& target) {
    std::size_t rows = 0;
    for (const Json& group : Walk(target)) rows += group["holders"].size();
    return rows;
  };
  EXPECT_LT(count(base + "&min_balance=1000"), count(base));
  EXPECT_EQ(count(base + "&min_balance=999999999999"), 0U);
}

TEST_F(PortfolioTest, ResolutionsHavePayoutsOrAreProposed) {
  std::set<std::string> statuses;
  for (const Market& market : world_->markets()) {
    const Json rows = Ask("/v2/resolutions?condition=" + market.condition_id)["data"];
    if (market.closed_at == 0) {
      if (!rows.empty()) statuses.insert(Text(rows[0], "status"));
      continue;
    }
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0]["payouts"].get<std::vector<std::int64_t>>(), PayoutsOf(market));
    EXPECT_EQ(Ask("/v2/resolutions?question_id=" + market.question_id)["data"], rows);
  }
  EXPECT_EQ(Answer("/v2/resolutions").status, 400);
  EXPECT_EQ(Answer("/v2/resolutions?event_id=1&condition=0x12").status, 400);
}

TEST_F(PortfolioTest, WrongParametersAreRefused) {
  const std::string condition = world_->markets()[0].condition_id;
  for (const std::string& target :
       Lines{"/v2/activity", "/v2/activity?user=0x1", "/v2/positions", "/v2/positions?event_id=1",
             "/v2/holders", "/v2/holders?condition=0x12", "/v2/value",
             "/v2/activity?type=NOTHING&" + User(0), "/v2/activity?sort_by=CASH&" + User(0),
             "/v2/positions?status=ANY&" + User(0), "/v2/positions?limit=1001&" + User(0),
             "/v2/positions?status=REDEEMABLE_LOST&condition=" + condition,
             "/v2/holders?offset=1&condition=" + condition,
             "/v2/activity?user=0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E"}) {
    EXPECT_EQ(Answer(target).status, 400) << target;
  }
}

TEST_F(PortfolioTest, ACursorBelongsToItsRouteAndItsStatus) {
  const std::string positions = "/v2/positions?limit=2&" + User(0);
  const std::string cursor = Text(Ask(positions)["pagination"], "next_cursor");
  EXPECT_EQ(Answer(Everything(0) + "&cursor=" + cursor).status, 400);
  EXPECT_EQ(Answer(positions + "&status=CLOSED&cursor=" + cursor).status, 400);
  EXPECT_EQ(Ask("/v2/positions?" + User(0) + "&cursor=" + cursor)["data"].size(), 2U);
  const std::string closed = Text(Ask(positions + "&status=CLOSED")["pagination"], "next_cursor");
  const Json rows = Ask(positions + "&cursor=" + closed)["data"];
  ASSERT_FALSE(rows.empty());
  for (const Json& row : rows) EXPECT_EQ(row["status"], "CLOSED");
}

TEST_F(PortfolioTest, PagesCanBeWrong) {
  const Lines targets = {Everything(0) + "&limit=5", "/v2/positions?limit=5&" + User(0),
                         "/v2/holders?limit=5&condition=" + world_->markets()[0].condition_id};
  for (const std::string& target : targets) {
    fault_ = PageFault::kNone;
    const Json first = Ask(target);
    const std::string cursor = "&cursor=" + Text(first["pagination"], "next_cursor");
    fault_ = PageFault::kRepeat;
    EXPECT_EQ(Ask(target + cursor)["data"], first["data"]) << target;
    EXPECT_TRUE(fault_done_);
    fault_ = PageFault::kEmpty;
    const Json empty = Ask(target);
    EXPECT_TRUE(empty["data"].empty() && empty["pagination"]["has_more"].get<bool>());
    fault_ = PageFault::kNone;
    EXPECT_EQ(Ask(target + "&cursor=" + Text(empty["pagination"], "next_cursor"))["data"],
              first["data"]);
    fault_ = PageFault::kNoCursor;
    EXPECT_TRUE(Ask(target)["pagination"]["next_cursor"].is_null());
  }
}

TEST_F(PortfolioTest, GrowthAddsToTheBooksAndChangesNothingOfThePast) {
  const Lines before = Oracle(OracleSubject::kActivity);
  LiveFeed feed(*world_, 200);
  feed.Grow(kNow * 1000);
  feed.Grow(kNow * 1000 + 5000);
  const Lines after = Oracle(OracleSubject::kActivity);
  EXPECT_GT(after.size(), before.size());
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  EXPECT_GT(Oracle(OracleSubject::kWallets).size(), 40U);
  std::size_t told = 0;
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) told += Walk(Everything(wallet)).size();
  EXPECT_GT(told, before.size() + 6000);
}

TEST_F(PortfolioTest, TheOracleKnowsMarketsEventsAndTokens) {
  const auto known = static_cast<std::size_t>(std::count_if(
      world_->markets().begin(), world_->markets().end(),
      [](const Market& market) { return market.known_by == KnownBy::kGammaAndClob; }));
  EXPECT_EQ(Oracle(OracleSubject::kMarkets).size(), known);
  EXPECT_EQ(Oracle(OracleSubject::kTokens).size(), 2 * known);
  EXPECT_LE(Oracle(OracleSubject::kEvents).size(), world_->events().size());
  EXPECT_EQ(ParseOracleSubject("everything"), std::nullopt);
}

}  // namespace
}  // namespace sim
