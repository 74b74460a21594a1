#include "worker/sources/dome.h"

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;
using testing::Not;

constexpr char kDomeUser[] = "0xcce2b7c71f21e358b8e5e797e586cbc03160d58b";
constexpr common::UnixSeconds kDomeHorizon = 1'770'000'000;
constexpr common::UnixSeconds kOrderedAt = 1'760'000'000;

struct Order {
  common::UnixSeconds ts = kOrderedAt;
  int hash = 1;
  std::string side = "BUY";
  std::string shares = "1537720000";
  std::string price = "0.93";
  std::string user = kDomeUser;
  std::string more = "";
};

std::string RowOf(const Order& order) {
  return fmt::format(
      R"({{"token_id":"11","side":"{}","market_slug":"s","condition_id":"0x{:064x}","shares":{},)"
      R"("price":{},"tx_hash":"0x{:064x}","title":"t","timestamp":{},"order_hash":"0x{:016x}{:048x}",)"
      R"("user":"{}"{}}})",
      order.side, 7, order.shares, order.price, 5, order.ts, order.hash, 0, order.user, order.more);
}

std::string Orders(const std::vector<Order>& orders, bool has_more = false,
                   const std::string& key = "") {
  std::string rows;
  for (const Order& order : orders) rows += (rows.empty() ? "" : ",") + RowOf(order);
  return fmt::format(
      R"({{"orders":[{}],"pagination":{{"limit":1000,"offset":0,"total":9,"has_more":{}{}}}}})",
      rows, has_more, key.empty() ? "" : R"(,"pagination_key":")" + key + '"');
}

class DomeTest : public testing::Test {
 protected:
  DomeTest() { cursor_.source = common::Source::kDome; }

  std::string Url() const { return dome_.PageRequest(wallet_, cursor_, kDomeHorizon).url; }
  common::Result<Page> Read(const std::string& body) const {
    return dome_.ParsePage(wallet_, cursor_, kDomeHorizon, body);
  }
  Page Walk(const std::string& body) {
    auto page = Read(body);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    cursor_ = page->next;
    return std::move(*page);
  }

  const Dome dome_{"http://dome/v1/polymarket", "secret"};
  common::WalletAddress wallet_ = *common::WalletAddress::Parse(kDomeUser);
  common::Cursor cursor_;
};

TEST_F(DomeTest, TheKeyIsInTheHeaderAlone) {
  const HttpRequest request = dome_.PageRequest(wallet_, cursor_, kDomeHorizon);
  EXPECT_EQ(request.headers, (std::vector<std::string>{"Authorization: Bearer secret"}));
  EXPECT_THAT(request.url, Not(HasSubstr("secret")));
  EXPECT_EQ(request.endpoint, Endpoint::kDome);
  EXPECT_TRUE(Dome("http://dome", "").FreshnessRequest().headers.empty());
  EXPECT_THROW(Dome("http://dome", "a\r\nHost: b"), std::invalid_argument);
}

TEST_F(DomeTest, AsksForAFixedSpan) {
  EXPECT_THAT(Url(), HasSubstr("/orders?user=" + std::string(kDomeUser)));
  EXPECT_THAT(Url(), HasSubstr(fmt::format("start_time=1&end_time={}&limit=1000", kDomeHorizon)));
  Walk(Orders({{}}, true));
  EXPECT_THAT(dome_.PageRequest(wallet_, cursor_, kDomeHorizon + 99).url,
              HasSubstr(fmt::format("end_time={}&limit=1000&offset=1", kDomeHorizon)));
  Walk(Orders({{.hash = 2}}, true, "k="));
  EXPECT_THAT(Url(), HasSubstr("&pagination_key=k%3D"));
  EXPECT_THAT(Url(), Not(HasSubstr("offset")));
}

TEST_F(DomeTest, ReadsTheRecordedPage) {
  const auto text = Recorded("dome/dome_orders_page_limit100.json");
  if (!text) GTEST_SKIP() << "no recorded data";
  simdjson::dom::parser parser;
  const std::string body = simdjson::minify(parser.parse(*text).at(0).value());
  const Page page = Walk(body);
  ASSERT_EQ(page.trades.size(), 100U);
  EXPECT_FALSE(page.last);
  EXPECT_TRUE(page.refused.empty());
  EXPECT_EQ(page.trades[0].size, 1'000'000'000);
  EXPECT_EQ(page.trades[0].usdc, 947'000'000);
  EXPECT_EQ(page.trades[0].role, common::Role::kUnknown);
  EXPECT_EQ(page.trades[0].version, common::ExchangeVersion::kV1);
  std::size_t bought = 0;
  for (const common::Trade& trade : page.trades) bought += trade.side == common::Side::kBuy;
  EXPECT_EQ(bought, 89U);
  EXPECT_TRUE(page.hints[0].condition);
}

TEST_F(DomeTest, ReadsTheRecordedNewerSchema) {
  const auto text = Recorded("dome/dome_raw_orders_and_markets_2025-11.json");
  if (!text) GTEST_SKIP() << "no recorded data";
  simdjson::dom::parser parser;
  const auto record = parser.parse(*text)["wallet_trades"].at(0).value();
  wallet_ = *common::WalletAddress::Parse(std::string_view(record["wallet"]));
  const Page page = Walk(simdjson::minify(record["raw_data"].value()));
  EXPECT_EQ(page.trades.size(), 40U);
  EXPECT_EQ(page.hints[0].outcome.empty(), false);
  EXPECT_NE(page.trades[0].role, common::Role::kUnknown);
}

TEST_F(DomeTest, AFillHasTheKeyThatTheSubgraphGivesIt) {
  const Page page = Walk(Orders({{.hash = 77, .more = fmt::format(R"(,"taker":"{}")", kNegRisk)}}));
  EXPECT_EQ(page.trades.at(0).event_key, 77);
  EXPECT_EQ(page.trades[0].usdc, 1'430'079'600);
  EXPECT_EQ(page.trades[0].role, common::Role::kTaker);
  EXPECT_EQ(page.trades[0].source, common::Source::kDome);
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, kDomeHorizon);
  EXPECT_THAT(Url(), HasSubstr(fmt::format("start_time={}&", kDomeHorizon - 599)));
}

TEST_F(DomeTest, AWalkThatStandsStillIsAFailure) {
  Walk(Orders({{}}, true, "k"));
  for (const std::string& body :
       {Orders({{}}, true, "l"), Orders({{.hash = 2}}, true, "k"), Orders({}, false)}) {
    EXPECT_FALSE(Read(body)) << body;
  }
  EXPECT_TRUE(Read(Orders({{.hash = 2}}, true, "l")));
}

TEST_F(DomeTest, FillsOfOneOrderInOneTransactionAreToldApartAcrossPages) {
  const auto fill = [](int log, common::UnixSeconds ts = kOrderedAt) {
    return Order{.ts = ts, .more = fmt::format(R"(,"log_index":{})", log)};
  };
  const std::vector<Order> orders = {fill(30, kOrderedAt + 1), fill(9), fill(7), fill(7), fill(4),
                                     fill(4, kOrderedAt - 1)};
  const Page whole = *Read(Orders(orders));
  std::vector<std::int64_t> keys;
  for (const common::Trade& trade : whole.trades) keys.push_back(trade.event_key);
  EXPECT_EQ(keys[0], 1);
  EXPECT_EQ(keys[1], 1);
  EXPECT_NE(keys[2], 1);
  EXPECT_EQ(keys[3], keys[2]) << "told twice";
  EXPECT_NE(keys[4], 1);
  EXPECT_NE(keys[4], keys[2]);
  EXPECT_EQ(keys[5], 1);
  for (std::size_t border = 1; border < orders.size(); ++border) {
    cursor_ = {};
    cursor_.source = common::Source::kDome;
    const auto middle = orders.begin() + static_cast<std::ptrdiff_t>(border);
    std::vector<std::int64_t> told;
    for (const auto& page : {Walk(Orders({orders.begin(), middle}, true, "k;1")),
                             Walk(Orders({middle, orders.end()}))}) {
      for (const common::Trade& trade : page.trades) told.push_back(trade.event_key);
    }
    EXPECT_EQ(told, keys) << border;
  }
}

TEST_F(DomeTest, PositionOfTheOlderFormGoesOn) {
  cursor_.position = fmt::format("1;{};0;{};5;1000;k;1", kDomeHorizon, kOrderedAt);
  EXPECT_THAT(Url(), HasSubstr("&pagination_key=k%3B1"));
  EXPECT_TRUE(Read(Orders({{}}))->last);
}

TEST_F(DomeTest, OrdersOutOfPlaceAreAFailure) {
  for (const std::vector<Order>& orders :
       std::vector<std::vector<Order>>{{{.user = kNegRisk}},
                                       {{.ts = kOrderedAt}, {.ts = kOrderedAt + 1}},
                                       {{.ts = kDomeHorizon + 1}}}) {
    ASSERT_FALSE(Read(Orders(orders)));
    EXPECT_EQ(Read(Orders(orders)).error().kind, ErrorKind::kTransient);
  }
  for (const char* body : {"", "[]", "{}", R"({"orders":[]})", R"({"error":"late"})",
                           R"({"orders":[],"pagination":{"has_more":true}})"}) {
    EXPECT_FALSE(Read(body)) << body;
  }
  EXPECT_TRUE(Read(Orders({}))->last);
}

TEST_F(DomeTest, AnOrderThatCannotBeATradeHoldsCompletenessBack) {
  for (const Order& odd : {Order{.side = "HOLD"}, Order{.shares = "0"}, Order{.shares = "1.5"},
                           Order{.price = "-1"}}) {
    const Page page = *Read(Orders({odd}));
    EXPECT_EQ(page.refused.size(), 1U);
    EXPECT_EQ(page.next.complete_to, kOrderedAt - 1);
    EXPECT_NE(page.shortfall, "");
  }
}

TEST_F(DomeTest, AnArchiveThatEndsTooEarlyProvesNothing) {
  cursor_.owned_from = kDomeHorizon + 50;
  EXPECT_THAT(Url(), HasSubstr(fmt::format("start_time={0}&end_time={0}&", kDomeHorizon + 50)));
  const Page page = *Read(Orders({}));
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, kDomeHorizon);
}

TEST_F(DomeTest, TheNewestOrderIsTheHorizon) {
  EXPECT_EQ(*dome_.ParseFreshness(Orders({{}}, true), kDomeHorizon), kOrderedAt - 1);
  EXPECT_FALSE(dome_.ParseFreshness(Orders({}), kDomeHorizon));
  EXPECT_THAT(dome_.FreshnessRequest().url, HasSubstr("/orders?limit=1"));
}

}  // namespace
}  // namespace worker::sources
