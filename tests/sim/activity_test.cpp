// What wallets did besides trading.
#include <set>

#include "tests/sim/portfolio_fixture.h"

namespace sim {
namespace {

class ActivityTest : public PortfolioFixture {};

TEST_F(ActivityTest, ActivityTellsTheOracleAndTheTrades) {
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

TEST_F(ActivityTest, TheWorldHasActivityOfAllKinds) {
  std::set<std::string> kinds;
  for (const std::string& line : Oracle(OracleSubject::kActivity)) {
    std::size_t at = 0;
    for (int i = 0; i < 3; ++i) at = line.find('\t', at) + 1;
    kinds.insert(line.substr(at, line.find('\t', at) - at));
  }
  EXPECT_EQ(kinds.size(), kActivityTypes - 1);
}

TEST_F(ActivityTest, TheDefaultFeedHidesTipsAndDeposits) {
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

TEST_F(ActivityTest, ActivityIsWalkedBothWays) {
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

TEST_F(ActivityTest, TheFeeIsInTheUsdcOfAnActivity) {
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

}  // namespace
}  // namespace sim
