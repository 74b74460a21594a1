// Tokens, markets and events: what hints, Gamma and CLOB tell of them.
#include <gtest/gtest.h>

#include "tests/worker/store/store_fixture.h"

namespace worker::store {
namespace {

using common::TokenId;

class MarketsTest : public StoreFixture {
 protected:
  static TokenId Token(int n) {
    TokenId token;
    token.bytes[31] = static_cast<std::uint8_t>(n);
    return token;
  }
  static MarketInfo Market(int n) {
    MarketInfo market;
    market.condition.bytes[31] = static_cast<std::uint8_t>(n);
    market.gamma_id = fmt::format("{}", 500 + n);
    market.slug = "will-it-rain";
    market.question = "Will it rain?";
    market.category = "Weather";
    market.tags = {"Weather", "Caf\xC3\xA9 \"quoted\", {braces}"};
    market.outcomes = {"Yes", "No"};
    market.tokens = {Token(2 * n), Token(2 * n + 1)};
    market.neg_risk = false;
    market.closed = true;
    market.end_date = "2024-11-05T12:00:00Z";
    market.event_id = "77";
    market.event_slug = "rain-2024";
    market.event_title = "Rain in 2024";
    market.event_category = "Weather";
    market.event_tags = {"Weather"};
    return market;
  }
  void Write(const std::vector<MarketInfo>& markets) {
    const common::Status written = store_->WriteMarkets(markets);
    EXPECT_TRUE(written.has_value()) << (written ? "" : written.error().message);
  }
  void SetUp() override {
    StoreFixture::SetUp();
    store_.emplace(url_);
  }
  std::optional<PostgresTradeStore> store_;
};

TEST_F(MarketsTest, ATradeIsToldWithMarketEventAndOutcome) {
  Write({Market(1)});
  ASSERT_TRUE(store_->Write(BatchOf(1, 2, 3)).has_value());  // of token 3
  const common::PgRows rows = Query(
      "SELECT condition_id, market_id, event_slug, category, outcome, outcome_index "
      "FROM trades_raw");
  EXPECT_EQ(rows.Text(0, 0), Market(1).condition.ToString());
  EXPECT_EQ(rows.Text(0, 1), "501");
  EXPECT_EQ(rows.Text(0, 2), "rain-2024");
  EXPECT_EQ(rows.Text(0, 3), "Weather");
  EXPECT_EQ(rows.Text(0, 4), "No");
  EXPECT_EQ(rows.Int64(0, 5), 1);
}

TEST_F(MarketsTest, TheMarketsViewTellsWhatGammaSaid) {
  Write({Market(1), Market(2), Market(1)});
  const common::PgRows rows = Query(
      "SELECT slug, question, tags[2], event_slug, neg_risk, closed, "
      "extract(epoch FROM end_date)::bigint, outcomes[1] FROM markets ORDER BY market_id");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows.Text(0, 1), "Will it rain?");
  EXPECT_EQ(rows.Text(0, 2), "Caf\xC3\xA9 \"quoted\", {braces}");
  EXPECT_EQ(rows.Text(0, 3), "rain-2024");
  EXPECT_FALSE(rows.Bool(0, 4));
  EXPECT_TRUE(rows.Bool(0, 5));
  EXPECT_EQ(rows.Int64(0, 6), 1'730'808'000);
  EXPECT_EQ(rows.Text(0, 7), "Yes");
  EXPECT_EQ(QueryInt("SELECT count(*) FROM events WHERE event_id = '77'"), 1);
}

TEST_F(MarketsTest, WhatAnUpstreamLeavesOutIsNotErased) {
  Write({Market(1)});
  MarketInfo poor;
  poor.condition = Market(1).condition;
  poor.question = "Will it rain at all?";
  poor.tokens = Market(1).tokens;
  Write({poor});
  const common::PgRows rows =
      Query("SELECT question, category, event_slug, cardinality(tags) FROM markets");
  EXPECT_EQ(rows.Text(0, 0), "Will it rain at all?");
  EXPECT_EQ(rows.Text(0, 1), "Weather");
  EXPECT_EQ(rows.Text(0, 2), "rain-2024");
  EXPECT_EQ(rows.Int64(0, 3), 2);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM token WHERE outcome IS NULL"), 0);
}

TEST_F(MarketsTest, AWeakCategoryNeverReplacesAnotherAndIsReplacedByAStrongOne) {
  const auto after = [this](const char* category, bool is_weak) {
    MarketInfo market = Market(1);
    market.category = category;
    market.category_is_weak = is_weak;
    Write({market, Market(2)});
    return std::string(Query("SELECT category FROM markets WHERE market_id = '501'").Text(0, 0));
  };
  EXPECT_EQ(after("Snow", true), "Snow");
  EXPECT_EQ(after("Hail", true), "Snow");
  EXPECT_EQ(after("Rain", false), "Rain");
  EXPECT_EQ(after("Snow", true), "Rain");
  EXPECT_EQ(after("Storm", false), "Storm");
}

TEST_F(MarketsTest, BrokenTextsAndDatesAreStoredAsFarAsTheyGo) {
  MarketInfo market = Market(1);
  market.question = std::string("a\0b\xFF", 4);
  market.end_date = "2024-02-31T00:00:00Z";
  MarketInfo other = Market(2);
  other.end_date = "2024-02-29";
  Write({market, other});
  const common::PgRows rows =
      Query("SELECT question, end_date IS NULL FROM markets ORDER BY market_id");
  EXPECT_EQ(rows.Text(0, 0), "a?b?");
  EXPECT_TRUE(rows.Bool(0, 1));
  EXPECT_FALSE(rows.Bool(1, 1));
}

TEST_F(MarketsTest, HintsFillWhatIsNotKnownAndNothingElse) {
  Batch batch = BatchOf(1, 0, 5);  // tokens 1 to 5
  const common::ConditionId condition = Market(9).condition;
  batch.hints = {{Token(1), condition, "Maybe", 0},
                 {Token(2), condition, "", 999},
                 {Token(3), std::nullopt, "", std::nullopt}};
  ASSERT_TRUE(store_->Write(batch).has_value());
  const std::string columns = "SELECT condition_id IS NULL, outcome, outcome_index FROM token ";
  const common::PgRows rows = Query(columns + "ORDER BY token");
  EXPECT_FALSE(rows.Bool(0, 0));
  EXPECT_EQ(rows.Text(0, 1), "Maybe");
  EXPECT_EQ(rows.Int64(0, 2), 0);
  EXPECT_FALSE(rows.Bool(1, 0));
  EXPECT_TRUE(rows.IsNull(1, 2));
  EXPECT_TRUE(rows.Bool(2, 0));
  batch = BatchOf(1, 5, 10);
  batch.hints = {{Token(1), Market(8).condition, "No", 1}, {Token(2), condition, "Yes", 0}};
  ASSERT_TRUE(store_->Write(batch).has_value());
  const common::PgRows later = Query(columns + "ORDER BY token");
  EXPECT_EQ(later.Text(0, 1), "Maybe");
  EXPECT_EQ(later.Text(1, 1), "Yes");
  EXPECT_EQ(store_->Unresolved({Token(1)})->size(), 1U);
}

TEST_F(MarketsTest, UnresolvedTellsEachTokenWithoutAMarketOnce) {
  ASSERT_TRUE(store_->Write(BatchOf(1, 0, 5)).has_value());
  Write({Market(1)});  // tokens 2 and 3
  const auto unresolved = store_->Unresolved({Token(1), Token(2), Token(1), Token(200)});
  ASSERT_TRUE(unresolved.has_value());
  EXPECT_EQ(*unresolved, (std::vector{Token(1), Token(200)}));
}

TEST_F(MarketsTest, UnknownTokensComeDueLessAndLessOften) {
  ASSERT_TRUE(store_->Write(BatchOf(1, 0, 5)).has_value());
  const std::string wait =
      "SELECT round(extract(epoch FROM next_resolve_at - now()) / 60) FROM token "
      "WHERE token_id = '1'";
  for (const int minutes : {10, 20, 40}) {
    ASSERT_TRUE(store_->NoteUnknown({Token(1)}).has_value());
    EXPECT_EQ(QueryInt(wait), minutes);
  }
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store_->NoteUnknown({Token(1)}).has_value());
  EXPECT_EQ(QueryInt(wait), 24 * 60);
  EXPECT_TRUE(store_->Unresolved({Token(1)})->empty());
}

TEST_F(MarketsTest, DueTokensAreHandedOutOnce) {
  ASSERT_TRUE(store_->Write(BatchOf(1, 0, 5)).has_value());
  ASSERT_TRUE(store_->NoteUnknown({Token(1)}).has_value());
  PostgresTradeStore other(url_);
  const std::size_t first = store_->TakeDueTokens(3)->size();
  const std::size_t second = other.TakeDueTokens(3)->size();
  EXPECT_EQ(first, 3U);
  EXPECT_EQ(second, 1U);
  EXPECT_TRUE(store_->TakeDueTokens(3)->empty());
  EXPECT_EQ(store_->Unresolved({Token(2), Token(3)})->size(), 2U);
}

}  // namespace
}  // namespace worker::store
