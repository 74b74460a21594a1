#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "tests/worker/sources/zstd_text.h"
#include "worker/sources/clob_page.h"
#include "worker/sources/gamma_page.h"

namespace worker::sources {
namespace {

using Texts = std::vector<std::string>;

// Gamma's answer with one market: its condition and these members.
common::Result<std::vector<store::MarketInfo>> Gamma(
    const std::string& members, const std::string& condition = kConditionText) {
  return ParseGammaMarkets(R"({"markets":[{"conditionId":")" + condition + "\"," + members + "}]}");
}

// As a member of an answer.
const std::string kTwoTokens = R"("clobTokenIds":"[\"11\",\"12\"]","outcomes":"[\"A\",\"B\"]")";

TEST(GammaPageTest, ReadsTheRecordedMarkets) {
  for (const char* name : {"nonbinary_legacy", "zero_zero_legacy", "binary_accepting_true"}) {
    const auto text = Recorded(std::string("gamma/gamma_market_closed_") + name + ".json");
    if (!text) GTEST_SKIP() << "no recorded data";
    const auto markets = ParseGammaMarkets("[" + *text + "]");
    ASSERT_TRUE(markets && markets->size() == 1) << name;
    EXPECT_EQ(markets->front().closed, true);
    EXPECT_EQ(markets->front().tokens.size(), 2U);
    EXPECT_EQ(markets->front().outcomes.size(), 2U);
  }
}

TEST(GammaPageTest, ReadsEveryRecordedPage) {
  const auto packed = Recorded("gamma/gamma_markets_open_2026-03-11.pages.jsonl.zst");
  if (!packed) GTEST_SKIP() << "no recorded data";
  const std::string pages = Unpacked(*packed);
  std::size_t count = 0;
  for (std::size_t at = 0; at < pages.size();) {
    const std::size_t end = std::min(pages.find('\n', at), pages.size());
    const auto markets = ParseGammaMarkets(std::string_view(pages).substr(at, end - at));
    ASSERT_TRUE(markets) << markets.error().message;
    for (const auto& market : *markets) count += market.tokens.size() == market.outcomes.size();
    at = end + 1;
  }
  EXPECT_EQ(count, 35'955U);
}

TEST(GammaPageTest, MarketsWithoutMatchingListsAreLeftOut) {
  for (const char* members :
       {R"("outcomes":null,"clobTokenIds":null)", R"("x":{"y":[1]})", R"("clobTokenIds":7)",
        R"("clobTokenIds":"","outcomes":"[")", R"("clobTokenIds":["1"],"outcomes":["Yes","No"])"}) {
    const auto markets = Gamma(members);
    ASSERT_TRUE(markets) << members;
    EXPECT_TRUE(markets->empty()) << members;
  }
}

TEST(GammaPageTest, PositionIdsStandInForTokens) {
  const auto markets = Gamma(R"("positionIds":["11","12"],"outcomes":"[\"Up\",\"Down\"]")");
  ASSERT_TRUE(markets);
  EXPECT_EQ(markets->front().tokens.at(1).ToDecimal(), "12");
  EXPECT_EQ(markets->front().outcomes, (Texts{"Up", "Down"}));
}

TEST(GammaPageTest, AGapNeverShiftsOutcomes) {
  EXPECT_EQ(Gamma(R"("clobTokenIds":"[null,\"12\"]","outcomes":"[\"Yes\",\"No\"]")")->size(), 0U);
  const auto markets = Gamma(R"("clobTokenIds":"[\"11\",\"12\"]","outcomes":"[3,\"No\"]")");
  EXPECT_EQ(markets->at(0).outcomes, (Texts{"", "No"}));
}

TEST(GammaPageTest, MarketsWithoutAConditionAreLeftOut) {
  EXPECT_EQ(ParseGammaMarkets(R"([{"id":"1"},{"conditionId":"0x12"},7,null])")->size(), 0U);
  const std::string short_id = kConditionText.substr(0, 64);  // Protocol V2 writes 31 bytes
  EXPECT_EQ(Gamma(kTwoTokens, short_id)->size(), 1U);
}

TEST(GammaPageTest, TheCategoryIsTheFirstThatIsKnown) {
  const std::string tags = kTwoTokens + R"(,"tags":[{"label":"All"},{"label":"Sports"}])";
  EXPECT_EQ(Gamma(R"("category":"Own",)" + tags)->at(0).category, "Own");
  EXPECT_EQ(Gamma(R"("events":[{"category":"Its","tags":null}],)" + tags)->at(0).category, "Its");
  EXPECT_EQ(Gamma(R"("category":null,"events":[],)" + tags)->at(0).category, "Sports");
  EXPECT_EQ(Gamma(kTwoTokens + R"(,"tags":[{"label":"All"}])")->at(0).category, "");
}

TEST(GammaPageTest, ACategoryOfTheMarketsOwnTagsIsWeak) {
  const std::string tags = kTwoTokens + R"(,"tags":[{"label":"Sports"}])";
  EXPECT_TRUE(Gamma(tags)->at(0).category_is_weak);
  EXPECT_FALSE(Gamma(R"("category":"Own",)" + tags)->at(0).category_is_weak);
  EXPECT_FALSE(Gamma(R"("events":[{"category":"Its"}],)" + tags)->at(0).category_is_weak);
  const auto of_event = Gamma(R"("events":[{"tags":[{"label":"All"},{"label":"Its"}]}],)" + tags);
  EXPECT_EQ(of_event->at(0).category, "Its");
  EXPECT_FALSE(of_event->at(0).category_is_weak);
}

TEST(GammaPageTest, ErrorsAndCutAnswersAreNeverAnEmptyList) {
  const std::string body = R"({"markets":[{"conditionId":")" + kConditionText + R"("}],"next":1})";
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(ParseGammaMarkets(body.substr(0, size)));
  }
  for (const char* answer : {R"({"type":"validation error","error":"x"})", "{}", "null", "<html>",
                             R"({"markets":[],"next_cursor":"a"})"}) {
    const auto markets = ParseGammaMarkets(answer);
    ASSERT_FALSE(markets);
    EXPECT_EQ(markets.error().kind, common::ErrorKind::kTransient);
  }
}

TEST(ClobPageTest, OneWinnerIsAnEnd) {
  const auto market = [](bool first, bool second) {
    return *ParseClobMarket(
        R"({"condition_id":")" + kConditionText +
        R"(","tokens":[{"token_id":"11","outcome":"A","winner":)" + (first ? "true" : "false") +
        R"(},{"token_id":"12","outcome":"B","winner":)" + (second ? "true" : "false") + "}]}");
  };
  EXPECT_EQ(market(false, true).resolution,
            (store::Resolution{store::ResolutionSource::kClob, {0, 1'000'000}, 0}));
  EXPECT_FALSE(market(false, false).resolution);
  EXPECT_FALSE(market(true, true).resolution);
}

TEST(ClobPageTest, AMissingTokenNeverShiftsTheOthers) {
  const auto market = ParseClobMarket(
      R"({"condition_id":")" + kConditionText +
      R"(","market_slug":"rain","tokens":[{"token_id":"","outcome":"A","winner":false},)"
      R"({"token_id":"12","outcome":"B","winner":true}]})");
  ASSERT_TRUE(market);
  EXPECT_EQ(market->slug, "rain");
  EXPECT_TRUE(market->tokens.empty());
  EXPECT_TRUE(market->outcomes.empty());
  EXPECT_FALSE(market->resolution);
}

TEST(ClobPageTest, ReadsTheRecordedMarket) {
  const auto text = Recorded("clob/clob_market_closed_binary_accepting_true.json");
  if (!text) GTEST_SKIP() << "no recorded data";
  const auto market = ParseClobMarket(*text);
  ASSERT_TRUE(market) << market.error().message;
  EXPECT_EQ(market->slug, "russia-x-ukraine-ceasefire-by-end-of-2027");
  EXPECT_EQ(market->outcomes, (Texts{"Yes", "No"}));
  EXPECT_EQ(market->category, "Politics");
  EXPECT_TRUE(market->category_is_weak);
  EXPECT_EQ(market->closed, true);
  EXPECT_EQ(*ParseClobTokenMarket(*text), market->condition);
}

TEST(ClobPageTest, ReadsEveryMarketOfTheRecordedPage) {
  const auto packed = Recorded("clob/clob_markets_page_first100.json.zst");
  if (!packed) GTEST_SKIP() << "no recorded data";
  simdjson::dom::parser parser;
  const std::string text = Unpacked(*packed);
  std::size_t count = 0;
  for (const simdjson::dom::element one : parser.parse(text)["data"].get_array()) {
    const auto market = ParseClobMarket(simdjson::minify(one));
    ASSERT_TRUE(market) << market.error().message;
    EXPECT_EQ(market->tokens.size(), market->outcomes.size());
    ++count;
  }
  EXPECT_EQ(count, 100U);
}

TEST(ClobPageTest, MarketsThatNeverOpenedHaveNoTokens) {
  const auto market =
      ParseClobMarket(R"({"condition_id":")" + kConditionText +
                      R"(","tags":null,"tokens":[{"token_id":"","outcome":"Yes"},{},null]})");
  ASSERT_TRUE(market);
  EXPECT_TRUE(market->tokens.empty() && market->outcomes.empty());
}

TEST(ClobPageTest, AnythingElseIsNoMarket) {
  for (const char* body : {R"({"error":"market not found"})", "[]", "null", "", "{", "<html>",
                           R"({"condition_id":"0x1","tokens":[]})"}) {
    EXPECT_FALSE(ParseClobMarket(body)) << body;
    EXPECT_FALSE(ParseClobTokenMarket(body)) << body;
  }
}

}  // namespace
}  // namespace worker::sources
