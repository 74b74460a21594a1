#include "worker/sources/data_api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "worker/sources/answer.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;
using testing::Not;

struct Fill {
  common::UnixSeconds ts = kNow;
  int tx = 1;
  std::string size = "22.84";
  std::string price = "0.52";
  std::string wallet = kWallet;
  std::string side = "BUY";
  std::string token = "107562952936555819668737826428754978979556920505990557747611348541829551199";
};

std::string RowOf(const Fill& fill) {
  return fmt::format(
      R"({{"proxy_wallet":"{}","side":"{}","token_id":"{}","condition_id":"0x{:064x}","size":{},)"
      R"("price":{},"timestamp":{},"title":"A \"b\" {{[,","outcome":"Yes","outcome_index":999,)"
      R"("transaction_hash":"0x{:064x}"}})",
      fill.wallet, fill.side, fill.token, 7, fill.size, fill.price, fill.ts, fill.tx);
}

std::string Fills(const std::vector<Fill>& fills, const std::string& next = "") {
  std::string rows;
  for (const Fill& fill : fills) rows += (rows.empty() ? "" : ",") + RowOf(fill);
  return List(rows, next);
}

class DataApiTest : public testing::Test {
 protected:
  std::string Url() const { return api_.PageRequest(wallet_, cursor_, kHorizon).url; }
  common::Result<Page> Read(const std::string& body) const {
    return api_.ParsePage(wallet_, cursor_, kHorizon, body);
  }
  // Reads a page that must be good, and moves on behind it.
  Page Walk(const std::string& body) {
    auto page = Read(body);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    cursor_ = page->next;
    return std::move(*page);
  }
  void ExpectError(ErrorKind kind, const std::string& body) const {
    const auto page = Read(body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().kind, kind) << page.error().message;
  }

  const DataApi api_{"http://data/v2"};
  common::WalletAddress wallet_ = *common::WalletAddress::Parse(kWallet);
  common::Cursor cursor_;
};

TEST_F(DataApiTest, AsksForEveryFillSinceTheBeginning) {
  for (const char* part : {"taker_only=false", "filter_type=TOKENS", "filter_amount=0.000001",
                           "&start=1", "limit=1000", kWallet}) {
    EXPECT_THAT(Url(), HasSubstr(part));
  }
  EXPECT_THAT(Url(), Not(HasSubstr("cursor=")));
}

TEST_F(DataApiTest, SendsTheSameFiltersWithTheCursor) {
  const std::string first = Url();
  Walk(Fills({{}}, "a+/=&b"));
  EXPECT_EQ(Url(), first + "&cursor=a%2B%2F%3D%26b");
}

TEST_F(DataApiTest, ReadsTheRecordedPage) {
  const auto body = Recorded("data_api_v2/trades.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  ExpectError(ErrorKind::kTransient, *body);  // its second row is another wallet's
  const std::size_t at = body->find(kStranger);
  std::string mine = *body;
  const Page page = Walk(mine.replace(at, std::string(kStranger).size(), kWallet));
  ASSERT_EQ(page.trades.size(), 2U);
  EXPECT_EQ(page.trades[0].size, 22'840'000);
  EXPECT_EQ(page.trades[0].usdc, 11'876'800);  // without the fee, which usdc_size contains
  EXPECT_EQ(page.trades[1].usdc, 10'000);
  EXPECT_EQ(page.hints[0].outcome, "Yes");
  EXPECT_EQ(page.hints[0].outcome_index, std::nullopt);  // 999: not labelled yet
  EXPECT_FALSE(page.last);
}

TEST_F(DataApiTest, AmountsAreExact) {
  const Page page = Walk(Fills({{.size = "0.1", .price = "0.7"},
                                {.size = "5.0", .price = "2e-3"},
                                {.size = "33333333.333333", .price = "0.3333333333333333"},
                                {.size = "0.000001", .price = "0.5"}}));
  ASSERT_EQ(page.trades.size(), 4U);
  EXPECT_EQ(page.trades[0].usdc, 70'000);
  EXPECT_EQ(page.trades[1].usdc, 10'000);
  EXPECT_EQ(page.trades[2].usdc, 11'111'111'111'111);
  EXPECT_EQ(page.trades[3].usdc, 1);  // half up
}

TEST_F(DataApiTest, EqualRowsOfOneTransactionAreDifferentFills) {
  const Page page = Walk(Fills({{}, {}, {.tx = 2}}));
  ASSERT_EQ(page.trades.size(), 3U);
  EXPECT_NE(page.trades[0].event_key, page.trades[1].event_key);
  EXPECT_EQ(page.trades[0].event_key, page.trades[2].event_key);  // first of its transaction
}

TEST_F(DataApiTest, OrdinalsGoOnAcrossPagesAndResumes) {
  const Page whole = *Read(Fills({{}, {}, {}}));
  Page pages[] = {Walk(Fills({{}, {}}, "x")), {}};
  pages[1] = *DataApi("http://data/v2").ParsePage(wallet_, cursor_, kHorizon, Fills({{}}));
  EXPECT_EQ(pages[0].trades[1], whole.trades[1]);
  EXPECT_EQ(pages[1].trades[0], whole.trades[2]);
}

TEST_F(DataApiTest, ABurstInOneSecondSpansPages) {
  std::set<std::pair<common::TxHash, std::int64_t>> keys;
  for (int number = 0; number < 3; ++number) {
    std::vector<Fill> fills;
    for (int i = 0; i < 1000; ++i) fills.push_back({.tx = (number * 1000 + i) / 7});
    const Page page = Walk(Fills(fills, "page" + std::to_string(number)));
    for (const common::Trade& trade : page.trades) keys.emplace(trade.tx, trade.event_key);
  }
  EXPECT_EQ(keys.size(), 3000U);
}

TEST_F(DataApiTest, TheHeadIsReadAgainBeforeALongWalkEnds) {
  Walk(Fills({{.ts = kNow}}, "x"));
  EXPECT_FALSE(Walk(Fills({{.ts = kNow - 9}})).last);
  EXPECT_THAT(Url(), HasSubstr(fmt::format("&start={}", kHorizon + 1 - kDataApiOverlap)));
  EXPECT_THAT(Url(), Not(HasSubstr("cursor=")));
  const Page head = Walk(Fills({}));
  EXPECT_TRUE(head.last);
  EXPECT_EQ(head.next.complete_to, kHorizon);
  EXPECT_EQ(head.next.position, "");
}

TEST_F(DataApiTest, AHeadThatGoesOnMuchLaterIsFollowedByAnother) {
  cursor_.complete_to = kNow;
  Walk(Fills({{.ts = kNow + 9}}, "x"));
  const common::UnixSeconds later = kHorizon + kDataApiOverlap + 1;
  auto page = api_.ParsePage(wallet_, cursor_, later, Fills({{.ts = kNow}}));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_FALSE(page->last);
  cursor_ = page->next;
  EXPECT_EQ(cursor_.complete_to, kNow);
  EXPECT_THAT(Url(), HasSubstr(fmt::format("&start={}", kHorizon + 1 - kDataApiOverlap)));
  page = api_.ParsePage(wallet_, cursor_, later, Fills({}));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(page->last);
  EXPECT_EQ(page->next.complete_to, later);
}

TEST_F(DataApiTest, AWalkThatComesToNothingSaysSinceWhen) {
  for (const char* rows : {"null", "[]"}) {
    for (const char* pagination : {"", R"(,"pagination":{"has_more":false,"next_cursor":null})"}) {
      cursor_.complete_to = kNow;
      const Page page = Walk(fmt::format(R"({{"data":{}{}}})", rows, pagination));
      EXPECT_TRUE(page.last);
      EXPECT_EQ(page.nothing_since, kNow + 1);  // not of what is proven
    }
  }
}

TEST_F(DataApiTest, AHeadWithoutRowsIsNoWalkThatCameToNothing) {
  Walk(Fills({{.ts = kNow}}, "x"));
  EXPECT_FALSE(Walk(Fills({{.ts = kNow - 1}})).last);
  const Page head = Walk(Fills({}));
  EXPECT_TRUE(head.last);
  EXPECT_EQ(head.nothing_since, std::nullopt);
}

TEST_F(DataApiTest, ARefreshGoesDownToTheOverlapOnly) {
  cursor_.complete_to = kNow;
  EXPECT_THAT(Url(), HasSubstr(fmt::format("&start={}", kNow + 1 - kDataApiOverlap)));
  const Page page = Walk(Fills({{.ts = kNow}}));
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, kHorizon);
}

TEST_F(DataApiTest, WalletsWithoutTradesAreComplete) {
  for (const char* body : {R"({"data":null})", R"({"data":[],"pagination":{"has_more":false}})"}) {
    const auto page = Read(body);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_TRUE(page->last && page->trades.empty());
    EXPECT_EQ(page->next.complete_to, kHorizon);
  }
}

TEST_F(DataApiTest, ARepeatedPageIsAFailure) {
  const std::vector<Fill> fills(100);
  Walk(Fills(fills, "x"));
  ExpectError(ErrorKind::kTransient, Fills(fills, "y"));
}

TEST_F(DataApiTest, AFewEqualRowsMayFollowOnAsMany) {
  Walk(Fills({{.tx = 1}, {.tx = 2}}, "x"));
  EXPECT_EQ(Walk(Fills({{.tx = 1}, {.tx = 2}}, "y")).trades.size(), 2U);
}

TEST_F(DataApiTest, ACursorThatStandsStillIsAFailure) {
  Walk(Fills({{.tx = 1}}, "x"));
  ExpectError(ErrorKind::kTransient, Fills({{.tx = 2}}, "x"));
}

TEST_F(DataApiTest, PaginationThatContradictsItselfIsAFailure) {
  const std::string row = RowOf(Fill{});
  ExpectError(ErrorKind::kTransient, Fills({}, "x"));
  for (const char* pagination : {R"({"has_more":true})", R"({"has_more":true,"next_cursor":null})",
                                 "{}", "null", R"({"has_more":false,"next_cursor":"x"})"}) {
    ExpectError(ErrorKind::kTransient,
                R"({"data":[)" + row + R"(],"pagination":)" + pagination + "}");
  }
  Walk(Fills({{}}, "x"));
  ExpectError(ErrorKind::kTransient, Fills({}));
}

TEST_F(DataApiTest, RowsOutOfPlaceAreAFailure) {
  ExpectError(ErrorKind::kTransient, Fills({{}, {.wallet = kStranger}}));
  ExpectError(ErrorKind::kTransient, Fills({{.ts = kNow}, {.ts = kNow + 1}}));
  cursor_.owned_from = kNow;
  ExpectError(ErrorKind::kTransient, Fills({{.ts = kNow - 1}}));
  Walk(Fills({{.ts = kNow + 5}}, "x"));
  ExpectError(ErrorKind::kTransient, Fills({{.ts = kNow + 6}}));
}

TEST_F(DataApiTest, ErrorsWithStatus200AreNeverAnEmptyPage) {
  for (const char* body :
       {R"({"error":"overloaded"})", R"({"error":"no","code":"invalid_request","retryable":false})",
        R"({"data":null,"error":"late"})", R"({})", "[]", "", "<html>", R"({"data":{}})"}) {
    ExpectError(ErrorKind::kTransient, body);
  }
  ExpectError(ErrorKind::kThrottled, R"({"error":"slow","code":"rate_limited"})");
}

TEST_F(DataApiTest, ACutAnswerNeverHasFewerRows) {
  const std::string body = Fills({{.tx = 1}, {.tx = 2}, {.tx = 3}}, "x");
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(Read(body.substr(0, size))) << body.substr(0, size);
  }
}

TEST_F(DataApiTest, AProtocolContractIsRejected) {
  HttpResponse response;
  response.status = 400;
  response.body = R"({"error":"user is a protocol contract","code":"invalid_request",)"
                  R"("retryable":false,"parameter":"user"})";
  EXPECT_EQ(FailureOf(response)->kind, ErrorKind::kRejected);
}

TEST_F(DataApiTest, ARowThatCannotBeATradeHoldsCompletenessBack) {
  const Page page = Walk(Fills({{.ts = kNow}, {.ts = kNow - 50, .side = "HOLD"}}));
  EXPECT_EQ(page.trades.size(), 1U);
  EXPECT_EQ(page.refused.size(), 1U);
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, kNow - 51);
  EXPECT_THAT(page.shortfall, HasSubstr("cannot be a trade"));
}

TEST_F(DataApiTest, OddRowsAreRefusedAndGarbledOnesAskedAgain) {
  for (const Fill& odd : {Fill{.size = "0"}, Fill{.size = "-1"}, Fill{.token = "0x12"},
                          Fill{.size = "1e30"}, Fill{.size = "1e-9"}}) {
    EXPECT_EQ(Read(Fills({odd}))->refused.size(), 1U);
  }
  ExpectError(ErrorKind::kMalformed, Fills({{.size = "2x.84"}}));
  ExpectError(ErrorKind::kMalformed, Fills({{.price = "null"}}));
  ExpectError(ErrorKind::kMalformed, Fills({{.price = "\"0.5\""}}));
}

TEST_F(DataApiTest, AnUnreadablePositionBeginsAnew) {
  const std::string first = Url();
  Walk(Fills({{}}, "x"));
  for (std::size_t at = 0; at < cursor_.position.size(); ++at) {
    common::Cursor harmed = cursor_;
    harmed.position[at] = static_cast<char>(harmed.position[at] ^ 1);
    EXPECT_EQ(api_.PageRequest(wallet_, harmed, kHorizon).url, first);
  }
}

TEST_F(DataApiTest, TheHorizonIsLessThanLagAndCache) {
  const auto body = Recorded("data_api_v2/status.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  EXPECT_EQ(*api_.ParseFreshness(*body, kNow), kNow - 24 - 4 - kDataApiCacheAge);
  EXPECT_FALSE(
      api_.ParseFreshness(R"({"data":{"age_seconds":9999,"serving":{"lag_seconds":0}}})", kNow));
  EXPECT_FALSE(api_.ParseFreshness(R"({"data":{"age_seconds":9}})", kNow));
}

}  // namespace
}  // namespace worker::sources
