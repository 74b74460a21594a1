#include "worker/sources/condition_trades.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "worker/sources/data_api.h"

namespace worker::sources {
namespace {

using testing::HasSubstr;
using testing::Not;

const common::ConditionId kCondition = *common::ParseConditionId(kConditionText);

std::string TradeRow(const std::string& wallet, common::UnixSeconds ts = kNow,
                     const std::string& condition = kConditionText) {
  return fmt::format(
      R"({{"proxy_wallet":"{}","side":"BUY","token_id":"11","condition_id":"{}","size":2.5,)"
      R"("price":0.5,"timestamp":{},"outcome":"Yes","outcome_index":0,)"
      R"("transaction_hash":"0x{:064x}"}})",
      wallet, condition, ts, 1);
}

TEST(ConditionTradesTest, AsksForMakersAndDust) {
  const std::string url = ConditionTradesRequest("http://data/v2", kCondition, "").url;
  for (const char* part : {"taker_only=false", "filter_amount=0.000001", "limit=1000"}) {
    EXPECT_THAT(url, HasSubstr(part));
  }
  EXPECT_THAT(url, HasSubstr("condition=" + kConditionText));
  EXPECT_THAT(url, Not(HasSubstr("start=")));  // goes with a user only
}

TEST(ConditionTradesTest, TellsTradesWithTheirWallets) {
  const auto page = ParseConditionTrades(
      kCondition, "",
      List(TradeRow(kStranger) + "," + TradeRow(kWallet) + "," + TradeRow(kV2Exchange), "x"));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->trades.size(), 3U);
  EXPECT_EQ(page->trades[0].wallet.ToString(), kStranger);
  EXPECT_EQ(page->trades[0].trade.usdc, 1'250'000);
  EXPECT_EQ(page->wallets.size(), 2U);  // the exchange is none
  EXPECT_EQ(page->wallets[0].ToString(), kWallet);
  EXPECT_EQ(page->oldest, kNow);
  EXPECT_THAT(ConditionTradesRequest("http://data/v2", kCondition, page->position).url,
              HasSubstr("&cursor=x"));
}

TEST(ConditionTradesTest, KeysAreThoseOfTheWalletsOwnWalk) {
  const auto page = ParseConditionTrades(
      kCondition, "",
      List(TradeRow(kWallet) + "," + TradeRow(kStranger) + "," + TradeRow(kWallet), "x"));
  const auto rest = ParseConditionTrades(kCondition, page->position, List(TradeRow(kWallet)));
  const auto own =
      DataApi("http://data/v2")
          .ParsePage(*common::WalletAddress::Parse(kWallet), {}, kNow,
                     List(TradeRow(kWallet) + "," + TradeRow(kWallet) + "," + TradeRow(kWallet)));
  ASSERT_TRUE(page && rest && own);
  EXPECT_EQ(page->trades[0].trade, own->trades[0]);
  EXPECT_EQ(page->trades[1].trade.event_key, own->trades[0].event_key);
  EXPECT_EQ(page->trades[2].trade, own->trades[1]);
  EXPECT_EQ(rest->trades[0].trade, own->trades[2]);
  EXPECT_EQ(rest->position, "");
}

TEST(ConditionTradesTest, RowsOutOfPlaceAreAFailure) {
  EXPECT_FALSE(ParseConditionTrades(kCondition, "",
                                    List(TradeRow(kWallet, kNow, fmt::format("0x{:064x}", 8)))));
  EXPECT_TRUE(ParseConditionTrades(kCondition, "", List(TradeRow(kWallet, kNow, ""))));
  EXPECT_FALSE(ParseConditionTrades(kCondition, "",
                                    List(TradeRow(kWallet) + "," + TradeRow(kStranger, kNow + 1))));
  EXPECT_FALSE(ParseConditionTrades(kCondition, "", R"({"error":"late"})"));
  EXPECT_FALSE(ParseConditionTrades(kCondition, "", List("", "x")));
}

TEST(ConditionTradesTest, AnEmptyConditionIsOver) {
  const auto page = ParseConditionTrades(kCondition, "", R"({"data":[]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->oldest, 0);
  EXPECT_TRUE(page->position.empty() && page->wallets.empty());
}

}  // namespace
}  // namespace worker::sources
