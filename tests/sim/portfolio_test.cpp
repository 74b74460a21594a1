// Activity, positions, value, holders and resolutions tell one world.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/decimal.h"
#include "sim/books.h"
#include "sim/data_api.h"
#include "sim/holders.h"
#include "sim/oracle.h"
#include "sim/oracle_rows.h"
#include "sim/positions.h"
#include "sim/prices.h"
#include "sim/text.h"
#include "sim/world_builder.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

constexpr common::UnixSeconds kNow = 1'795'200'000;

Lines Split(const std::string& text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::int64_t Millionths(const Json& number) {
  const std::string text = number.dump();
  const bool negative = text.starts_with('-');
  const auto value = common::ParseMillionths(negative ? text.substr(1) : text);
  EXPECT_TRUE(value.has_value()) << text;
  return negative ? -value.value_or(0) : value.value_or(0);
}

std::string Text(const Json& row, const char* key) {
  return row[key].get<std::string>();
}

class PortfolioTest : public testing::Test {
 protected:
  Response Answer(const std::string& target) {
    Request request = ParseTarget("GET", target);
    request.now = kNow;
    request.page_fault = fault_;
    const Response response = api_.Answer(request);
    fault_done_ = response.page_fault_done;
    return response;
  }
  Json Ask(const std::string& target) {
    const Response response = Answer(target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return Json::parse(response.body);
  }
  std::vector<Json> Walk(const std::string& target) {
    std::vector<Json> rows;
    std::string cursor;
    for (bool more = true; more;) {
      const Json page = Ask(target + cursor);
      if (page["data"].is_null()) break;
      rows.insert(rows.end(), page["data"].begin(), page["data"].end());
      more = page["pagination"]["has_more"];
      if (more) cursor = "&cursor=" + page["pagination"]["next_cursor"].get<std::string>();
    }
    return rows;
  }
  std::string User(std::uint32_t wallet) const {
    return "user=" + world_->wallets()[wallet].address.ToString();
  }
  std::string Everything(std::uint32_t wallet) const {
    return "/v2/activity?start=1&exclude_deposits_withdrawals=false&" + User(wallet);
  }
  Lines Oracle(OracleSubject what) const {
    return Split(OracleText(*world_, {what, common::Source::kDataApi, std::nullopt}));
  }
  static std::string PositionLine(const Json& row) {
    std::string line = Text(row, "proxy_wallet") + '\t' + Text(row, "token_id") + '\t' +
                       Text(row, "condition_id") + '\t' + Text(row, "status");
    for (const char* key : {"current_size", "total_size"}) {
      line += fmt::format("\t{}", Millionths(row[key]));
    }
    for (const char* key : {"avg_price", "entry_cost_usdc", "current_price", "current_value",
                            "realized_pnl", "unrealized_pnl"}) {
      line += '\t';
      AppendMillionths(line, Millionths(row[key]), false);
    }
    return line;
  }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 5, .wallets = 40, .fills = 6000, .whale_fills = 0, .recorded = ""});
  DataApi api_{*world_, 0};
  PageFault fault_ = PageFault::kNone;
  bool fault_done_ = false;
};

TEST_F(PortfolioTest, ActivityTellsTheOracleAndTheTrades) {
  Lines told;
  std::size_t trades = 0;
  const std::string tips = "&type=TIP";
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    auto rows = Walk(Everything(wallet) + "&limit=333");
    const auto own_tips = Walk(Everything(wallet) + tips);
    rows.insert(rows.end(), own_tips.begin(), own_tips.end());
    for (const Json& row : rows) {
      if (row["type"] == "TRADE") {
        ++trades;
        continue;
      }
      EXPECT_EQ(row["token_id"], "");
      EXPECT_EQ(row["outcome_index"], 999);
      told.push_back(fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", Text(row, "proxy_wallet"),
                                 row["timestamp"].get<std::int64_t>(),
                                 Text(row, "transaction_hash"), Text(row, "type"),
                                 Text(row, "condition_id"), Text(row, "side"),
                                 Millionths(row["size"]), Millionths(row["usdc_size"])));
    }
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, Oracle(OracleSubject::kActivity));
  EXPECT_EQ(trades, world_->fills().size());
}

TEST_F(PortfolioTest, TheWorldHasActivityOfAllKinds) {
  std::set<std::string> kinds;
  for (const std::string& line : Oracle(OracleSubject::kActivity)) {
    std::size_t at = 0;
    for (int i = 0; i < 3; ++i) at = line.find('\t', at) + 1;
    kinds.insert(line.substr(at, line.find('\t', at) - at));
  }
  EXPECT_EQ(kinds.size(), kActivityTypes - 1);
}

TEST_F(PortfolioTest, TheDefaultFeedHidesTipsAndDeposits) {
  std::set<std::string> kinds;
  for (std::uint32_t wallet = 0; wallet < 5; ++wallet) {
    for (const Json& row : Walk("/v2/activity?start=1&" + User(wallet))) {
      kinds.insert(Text(row, "type"));
    }
  }
  EXPECT_TRUE(kinds.contains("SPLIT") && kinds.contains("TRADE"));
  for (const char* hidden : {"TIP", "DEPOSIT", "WITHDRAWAL"}) {
    EXPECT_FALSE(kinds.contains(hidden)) << hidden;
  }
  EXPECT_TRUE(Walk("/v2/activity?start=1&type=DEPOSIT&" + User(0)).empty());
  EXPECT_FALSE(Walk(Everything(0) + "&type=DEPOSIT").empty());
  EXPECT_LT(Walk("/v2/activity?" + User(0)).size(), Walk("/v2/activity?start=1&" + User(0)).size());
}

TEST_F(PortfolioTest, ActivityIsWalkedBothWays) {
  auto newest_first = Walk(Everything(1) + "&limit=100");
  const auto oldest_first = Walk(Everything(1) + "&sort_direction=ASC&limit=70");
  std::reverse(newest_first.begin(), newest_first.end());
  EXPECT_TRUE(newest_first == oldest_first);
  EXPECT_TRUE(
      std::is_sorted(oldest_first.begin(), oldest_first.end(),
                     [](const Json& a, const Json& b) { return a["timestamp"] < b["timestamp"]; }));
  const Json first = Ask(Everything(1) + "&limit=5&type=SPLIT,MERGE&type=REDEEM");
  for (const Json& row : first["data"]) EXPECT_NE(row["type"], "TRADE");
}

TEST_F(PortfolioTest, TheFeeIsInTheUsdcOfAnActivity) {
  int differ = 0;
  for (const Json& row : Walk(Everything(0) + "&type=TRADE")) {
    const std::int64_t usdc =
        common::MultiplyDecimals(row["size"].dump(), row["price"].dump()).value_or(-1);
    const std::int64_t more = Millionths(row["usdc_size"]) - usdc;
    EXPECT_TRUE(row["side"] == "BUY" ? more >= 0 : more <= 0);
    differ += more != 0 ? 1 : 0;
  }
  EXPECT_GT(differ, 10);
}

TEST_F(PortfolioTest, PositionsTellTheOracle) {
  Lines told;
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const char* status : {"OPEN", "REDEEMABLE_LOST", "CLOSED"}) {
      for (const Json& row :
           Walk(fmt::format("/v2/positions?limit=37&status={}&{}", status, User(wallet)))) {
        told.push_back(PositionLine(row));
      }
    }
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, Oracle(OracleSubject::kPositions));
}

TEST_F(PortfolioTest, StatusFiltersOverlap) {
  const auto tokens = [this](const std::string& status) {
    std::set<std::string> found;
    for (std::uint32_t wallet = 0; wallet < 10; ++wallet) {
      for (const Json& row :
           Walk("/v2/positions?limit=1000&status=" + status + '&' + User(wallet))) {
        found.insert(Text(row, "proxy_wallet") + Text(row, "token_id"));
      }
    }
    return found;
  };
  const auto open = tokens("OPEN");
  for (const char* part : {"REDEEMABLE", "MERGEABLE"}) {
    const auto found = tokens(part);
    EXPECT_FALSE(found.empty()) << part;
    EXPECT_LT(found.size(), open.size());
    EXPECT_TRUE(std::includes(open.begin(), open.end(), found.begin(), found.end())) << part;
  }
  for (const std::string& lost : tokens("REDEEMABLE_LOST")) EXPECT_FALSE(open.contains(lost));
}

TEST_F(PortfolioTest, BoughtTotalsAreTheSumsOfBuys) {
  std::map<std::string, std::int64_t> bought;
  for (const FillNumber number : world_->FillsOf(0)) {
    const Fill& fill = world_->fills()[number];
    if (fill.side == common::Side::kBuy) bought[world_->tokens()[fill.token].decimal] += fill.size;
  }
  std::size_t checked = 0;
  for (const char* status : {"OPEN", "REDEEMABLE_LOST", "CLOSED"}) {
    for (const Json& row :
         Walk(fmt::format("/v2/positions?limit=1000&status={}&{}", status, User(0)))) {
      EXPECT_EQ(Millionths(row["total_size"]), bought[Text(row, "token_id")]);
      ++checked;
    }
  }
  EXPECT_GT(checked, 20U);
}

TEST_F(PortfolioTest, NobodyHoldsLessThanNothing) {
  Books books(*world_);
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const HoldingOf& held : books.OfWallet(wallet).holdings) {
      ASSERT_GE(held.holding.size, 0);
      ASSERT_EQ(held.holding.size, held.holding.acquired - held.holding.gone);
    }
  }
}

TEST_F(PortfolioTest, MarketsAndWalletsKeepTheSameBooks) {
  Books books(*world_);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> of_wallets;
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const HoldingOf& held : books.OfWallet(wallet).holdings) {
      of_wallets[{wallet, held.token}] = held.holding.size;
    }
  }
  std::size_t rows = 0;
  for (std::uint32_t market = 0; market < world_->markets().size(); ++market) {
    for (const HoldingOf& held : books.OfMarket(market)) {
      ++rows;
      ASSERT_EQ((of_wallets[{held.wallet, held.token}]), held.holding.size);
    }
  }
  EXPECT_EQ(rows, of_wallets.size());
}

TEST_F(PortfolioTest, AMarketsPositionsAreThoseOfItsWallets) {
  const std::string condition = world_->markets()[0].condition_id;
  const auto rows = Walk("/v2/positions?limit=7&condition=" + condition);
  ASSERT_GT(rows.size(), 14U);
  std::set<std::string> seen;
  for (const Json& row : rows) {
    EXPECT_TRUE(seen.insert(Text(row, "proxy_wallet") + Text(row, "token_id")).second);
    const Json own = Ask("/v2/positions?limit=1000&condition=" + condition +
                         "&user=" + Text(row, "proxy_wallet"))["data"];
    EXPECT_NE(std::find(own.begin(), own.end(), row), own.end());
  }
}

TEST_F(PortfolioTest, TheValueIsTheSumOfThePositions) {
  double sum = 0;
  for (const Json& row : Walk("/v2/positions?limit=1000&" + User(3))) {
    sum += row["current_value"].get<double>();
  }
  const Json value = Ask("/v2/value?" + User(3));
  EXPECT_NEAR(value["data"]["value"].get<double>(), sum, 0.05);
  EXPECT_EQ("user=" + Text(value["data"], "proxy_wallet"), User(3));
  EXPECT_TRUE(Ask("/v2/value?user=0x00000000000000000000000000000000000000aa")["data"].is_null());
}

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
