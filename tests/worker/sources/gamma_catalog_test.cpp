#include "worker/sources/gamma_catalog.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "tests/worker/sources/zstd_text.h"
#include "worker/sources/iso_time.h"

namespace worker::sources {
namespace {

using testing::HasSubstr;
using testing::Not;

using Payouts = std::vector<std::int64_t>;

// A page of one market with these members, and of what is beside the list.
common::Result<CatalogPage> Markets(const std::string& members, const std::string& beside = "",
                                    const std::string& position = "") {
  return ParseCatalogPage(CatalogList::kMarkets, position,
                          R"({"markets":[{"id":"5","conditionId":")" + kConditionText + "\"" +
                              members + "}]" + beside + "}");
}

store::MarketInfo Market(const std::string& members) {
  const auto page = Markets(members);
  EXPECT_TRUE(page && page->markets.size() == 1) << members;
  return page && !page->markets.empty() ? page->markets.front() : store::MarketInfo{};
}

const std::string kTwo = R"(,"clobTokenIds":"[\"11\",\"12\"]","outcomes":"[\"A\",\"B\"]")";

TEST(GammaCatalogTest, EveryListIsAskedForByKeyset) {
  const auto url = [](const CatalogQuery& query) {
    return CatalogRequest("http://gamma", query, "").url;
  };
  EXPECT_THAT(url({}), HasSubstr("http://gamma/markets/keyset?limit=100&closed=false"));
  EXPECT_THAT(url({.closed = true}), HasSubstr("closed=true"));
  EXPECT_THAT(url({.list = CatalogList::kEvents}), HasSubstr("http://gamma/events/keyset?"));
  EXPECT_THAT(url({.newest_closed_first = true}), HasSubstr("order=closedTime&ascending=false"));
  EXPECT_THAT(url({}), Not(HasSubstr("after_cursor")));
}

TEST(GammaCatalogTest, TheNextPageIsAskedForByItsCursor) {
  const auto page = Markets(kTwo, R"(,"next_cursor":"a+b=")");
  ASSERT_TRUE(page);
  const std::string position = EncodePageEnd(page->end);
  EXPECT_EQ(DecodePageEnd(position), page->end);
  EXPECT_THAT(CatalogRequest("http://gamma", {}, position).url,
              HasSubstr("&after_cursor=a%2Bb%3D"));
  EXPECT_EQ(EncodePageEnd(Markets(kTwo, R"(,"next_cursor":null)")->end), "");
}

TEST(GammaCatalogTest, AWalkThatStandsStillIsAFailure) {
  const std::string position = EncodePageEnd(Markets(kTwo, R"(,"next_cursor":"a")")->end);
  EXPECT_FALSE(Markets(kTwo, R"(,"next_cursor":"b")", position));  // the same market again
  EXPECT_FALSE(Markets(kTwo, "", position));
  EXPECT_FALSE(ParseCatalogPage(CatalogList::kMarkets, position,
                                R"({"markets":[{"id":"6"}],"next_cursor":"a"})"));
  EXPECT_TRUE(ParseCatalogPage(CatalogList::kMarkets, position,
                               R"({"markets":[{"id":"6"}],"next_cursor":"b"})"));
}

TEST(GammaCatalogTest, ErrorsAndCutAnswersAreNeverAnEmptyPage) {
  for (const char* body :
       {"", "<html>", "[]", "{}", R"({"markets":null})", R"({"error":"late","markets":[]})",
        R"({"markets":[],"next_cursor":"x"})", R"({"markets":[],"next_cursor":7})",
        R"({"events":[]})", R"({"markets":[{"id":"1"})"}) {
    const auto page = ParseCatalogPage(CatalogList::kMarkets, "", body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().kind, common::ErrorKind::kTransient);
  }
  EXPECT_TRUE(ParseCatalogPage(CatalogList::kMarkets, "", R"({"markets":[]})"));
}

TEST(GammaCatalogTest, EveryRecordedPageOfAWalk) {
  const auto packed = Recorded("gamma/gamma_markets_open_2026-03-11.pages.jsonl.zst");
  if (!packed) GTEST_SKIP() << "no recorded data";
  const std::string pages = Unpacked(*packed);
  std::set<common::ConditionId> markets;
  std::set<common::TokenId> tokens;
  std::set<std::string> events;
  std::string position;
  for (std::size_t at = 0; at < pages.size();) {
    const std::size_t end = std::min(pages.find('\n', at), pages.size());
    std::string body = pages.substr(at, end - at);
    body.insert(1, "\"next_cursor\":\"" + std::to_string(at) + "\",");
    const auto page = ParseCatalogPage(CatalogList::kMarkets, position, body);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_TRUE(page->refused.empty());
    position = EncodePageEnd(page->end);
    for (const auto& market : page->markets) {
      markets.insert(market.condition);
      tokens.insert(market.tokens.begin(), market.tokens.end());
      EXPECT_NE(market.created_at, 0);
      EXPECT_NE(market.question_id, "");
      EXPECT_FALSE(market.resolution);
    }
    for (const auto& event : page->events) events.insert(event.event_id);
    at = end + 1;
  }
  EXPECT_EQ(markets.size(), 35'955U);
  EXPECT_EQ(tokens.size(), 71'910U);
  EXPECT_EQ(events.size(), 8'183U);
}

TEST(GammaCatalogTest, RecordedEndsCountOnlyWhereTheyAreCertain) {
  const auto read = [](const std::string& name) -> std::optional<store::MarketInfo> {
    const auto text = Recorded("gamma/gamma_market_" + name + ".json");
    if (!text) return std::nullopt;
    return ParseCatalogPage(CatalogList::kMarkets, "", R"({"markets":[)" + *text + "]}")
        ->markets.at(0);
  };
  const auto accepting = read("closed_binary_accepting_true");
  if (!accepting) GTEST_SKIP() << "no recorded data";
  EXPECT_EQ(accepting->closed_at, 1778292421);
  EXPECT_EQ(accepting->resolution,
            (store::Resolution{store::ResolutionSource::kGamma, {1'000'000, 0}, 1778292421}));
  EXPECT_EQ(accepting->volume, "192817.4904490008");
  EXPECT_EQ(read("closed_binary_accepting_false")->resolution->payouts, (Payouts{0, 1'000'000}));
  EXPECT_EQ(read("closed_nonbinary_legacy")->resolution, std::nullopt);
  EXPECT_EQ(read("closed_zero_zero_legacy")->resolution, std::nullopt);
  EXPECT_EQ(read("sports_market_money_line")->outcomes.at(0), "FaZe");
}

TEST(GammaCatalogTest, PricesAreNotRoundedToAnOutcome) {
  const std::string closed = kTwo + R"(,"closed":true,"outcomePrices":)";
  EXPECT_TRUE(Market(closed + R"("[\"1.0\",\"0\"]")").resolution);
  for (const char* prices : {R"("[\"0.9999999999\",\"0\"]")", R"("[\"1\",\"1\"]")", R"("[\"1\"]")",
                             "null", R"("[\"1\",\"x\"]")", R"("[\"0.5\",\"0.5\"]")"}) {
    EXPECT_FALSE(Market(closed + prices).resolution) << prices;
  }
  EXPECT_FALSE(Market(kTwo + R"(,"closed":false,"outcomePrices":"[\"1\",\"0\"]")").resolution);
}

TEST(GammaCatalogTest, TokensOfBothEras) {
  const std::string positions = R"(,"positionIds":["21","22"],"version":"v2")";
  const auto both = Market(kTwo + positions);
  EXPECT_EQ(both.era, store::TokenEra::kCtf);
  EXPECT_EQ(both.tokens.at(1).ToDecimal(), "12");
  EXPECT_EQ(both.position_ids.at(1).ToDecimal(), "22");
  EXPECT_EQ(both.version, "v2");
  const auto newer = Market(R"(,"outcomes":["A","B"])" + positions);
  EXPECT_EQ(newer.era, store::TokenEra::kProtocolV2);
  EXPECT_EQ(newer.tokens.at(0).ToDecimal(), "21");
  EXPECT_TRUE(newer.position_ids.empty());
}

TEST(GammaCatalogTest, MarketsWithoutTokensAreMarkets) {
  EXPECT_TRUE(Market(R"(,"outcomes":"[\"Yes\",\"No\"]")").tokens.empty());
  const auto page = Markets(R"(,"clobTokenIds":"[\"1\"]","outcomes":"[\"Yes\",\"No\"]")");
  EXPECT_TRUE(page->markets.at(0).tokens.empty());
  EXPECT_EQ(page->refused.size(), 1U);
  EXPECT_EQ(Market(",\"volume\":\"-1\"").volume, "");
}

TEST(GammaCatalogTest, ARowWithoutAConditionIsTold) {
  const auto page =
      ParseCatalogPage(CatalogList::kMarkets, "", R"({"markets":[{"id":"5","slug":"s"},7]})");
  EXPECT_EQ(page->refused.size(), 2U);
  EXPECT_THAT(page->refused.at(0), HasSubstr("market 5 (s)"));
  EXPECT_EQ(page->end.rows, 2U);
}

TEST(GammaCatalogTest, EventsBringTheirMarketsAndTags) {
  const auto text = Recorded("gamma/gamma_event.json");
  if (!text) GTEST_SKIP() << "no recorded data";
  const auto page = ParseCatalogPage(CatalogList::kEvents, "", R"({"events":)" + *text + "}");
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->events.size(), 1U);
  const store::EventInfo& event = page->events.front();
  EXPECT_EQ(event.event_id, "30829");
  EXPECT_EQ(event.neg_risk, true);
  EXPECT_EQ(event.volume, "799823812.487094");
  EXPECT_EQ(event.tags.at(0), "World Elections");
  EXPECT_GT(page->markets.size(), 0U);
  for (const auto& market : page->markets) {
    EXPECT_EQ(market.event_id, "30829");
    EXPECT_EQ(market.category, "World Elections");
    EXPECT_EQ(market.neg_risk_market_id, event.neg_risk_market_id);
  }
}

constexpr common::UnixSeconds kSince = 1778292421;  // 2026-05-09 02:07:01
constexpr common::UnixSeconds kNewer = kSince + 5;

TEST(GammaCatalogTest, OnlyAPageOfOldMarketsEndsARefresh) {
  const auto closed = [](const std::string& at) {
    return *Markets(at.empty() ? "" : R"(,"closedTime":")" + at + "\"");
  };
  const auto ends = [](const CatalogPage& page, common::UnixSeconds newest = kNewer) {
    return ClosedBefore(CatalogList::kMarkets, page, newest, kSince);
  };
  EXPECT_TRUE(ends(closed("2026-05-09 02:07:00+00")));
  EXPECT_FALSE(ends(closed("2026-05-09 02:07:01+00")));
  EXPECT_FALSE(ends(closed("")));
  EXPECT_FALSE(ends(CatalogPage{}));
  EXPECT_FALSE(ends(closed("2026-05-09 02:07:00+00"), kSince - 2)) << "it rises";
  EXPECT_EQ(LastClosedOf(CatalogList::kMarkets, closed("2026-05-09 02:07:00+00")), kSince - 1);

  CatalogPage page = closed("2026-05-09 02:07:00+00");
  page.markets.push_back(page.markets.front());
  EXPECT_FALSE(ends(page)) << "not a row for each market";
  page.end.rows = 2;
  EXPECT_TRUE(ends(page));
  page.markets.front().closed_at -= 1;
  EXPECT_FALSE(ends(page)) << "it rises within";
  page.markets.clear();
  EXPECT_FALSE(ends(page)) << "every row was refused";
}

TEST(IsoTimeTest, ReadsEveryFormOfATime) {
  for (const char* text : {"2026-05-09 02:07:01+00", "2026-05-09T02:07:01Z",
                           "2026-05-09T02:07:01.123456Z", "2026-05-09T02:07:01"}) {
    EXPECT_EQ(ParseIsoTime(text), 1778292421) << text;
  }
  EXPECT_EQ(ParseIsoTime("1970-01-02"), 86'400);
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-30", "2026-05-09T24:00:00Z", "2026-05-09T02:07:01+02",
        "2026-05-09x", "20x6-05-09", "2026-05-09 02"}) {
    EXPECT_EQ(ParseIsoTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace worker::sources
