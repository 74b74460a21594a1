#include "worker/store/market_tables.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "worker/store/clean_text.h"

namespace worker::store {
namespace {

using common::ConditionId;
using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::PgTransaction;
using common::Result;
using common::Status;
using common::TokenId;
using nlohmann::json;

constexpr char kEvents[] = R"sql(
INSERT INTO event AS e (gamma_id, slug, title, category, tags)
SELECT id, nullif(slug, ''), nullif(title, ''), nullif(category, ''), tags
FROM jsonb_to_recordset($1::jsonb) AS n(id text, slug text, title text, category text, tags text[])
ORDER BY id
ON CONFLICT (gamma_id) DO UPDATE SET
  slug = coalesce(EXCLUDED.slug, e.slug), title = coalesce(EXCLUDED.title, e.title),
  category = coalesce(EXCLUDED.category, e.category),
  tags = CASE WHEN EXCLUDED.tags = '{}' THEN e.tags ELSE EXCLUDED.tags END, updated_at = now()
)sql";

constexpr char kMarkets[] = R"sql(
INSERT INTO market AS m (condition_id, gamma_id, event_key, slug, question, category, tags, outcomes,
                         neg_risk, closed, end_date)
SELECT decode(n.condition, 'hex'), nullif(n.gamma_id, ''), e.event_key, nullif(n.slug, ''),
       nullif(n.question, ''), nullif(n.category, ''), n.tags, n.outcomes, n.neg_risk, n.closed,
       n.end_date
FROM jsonb_to_recordset($1::jsonb) AS n(condition text, gamma_id text, event text, slug text,
       question text, category text, tags text[], outcomes text[], neg_risk boolean,
       closed boolean, end_date timestamptz)
LEFT JOIN event e ON e.gamma_id = n.event
ORDER BY n.condition
ON CONFLICT (condition_id) DO UPDATE SET
  gamma_id = coalesce(EXCLUDED.gamma_id, m.gamma_id),
  event_key = coalesce(EXCLUDED.event_key, m.event_key),
  slug = coalesce(EXCLUDED.slug, m.slug), question = coalesce(EXCLUDED.question, m.question),
  category = coalesce(EXCLUDED.category, m.category),
  tags = CASE WHEN EXCLUDED.tags = '{}' THEN m.tags ELSE EXCLUDED.tags END,
  outcomes = CASE WHEN EXCLUDED.outcomes = '{}' THEN m.outcomes ELSE EXCLUDED.outcomes END,
  neg_risk = coalesce(EXCLUDED.neg_risk, m.neg_risk),
  closed = coalesce(EXCLUDED.closed, m.closed),
  end_date = coalesce(EXCLUDED.end_date, m.end_date), updated_at = now()
)sql";

constexpr char kTokens[] = R"sql(
INSERT INTO token AS t (token, token_id, condition_id, outcome, outcome_index, resolve_state)
SELECT n.token, n.token_id, n.condition_id, nullif(n.outcome, ''), n.outcome_index, 1
FROM unnest($1, $2, $3, $4, $5) AS n(token, token_id, condition_id, outcome, outcome_index)
ON CONFLICT (token) DO UPDATE SET
  condition_id = EXCLUDED.condition_id, outcome = coalesce(EXCLUDED.outcome, t.outcome),
  outcome_index = EXCLUDED.outcome_index, resolve_state = 1
WHERE t.resolve_state <> 1
   OR (t.condition_id, t.outcome, t.outcome_index) IS DISTINCT FROM
      (EXCLUDED.condition_id, coalesce(EXCLUDED.outcome, t.outcome), EXCLUDED.outcome_index)
)sql";

template <typename Id>
std::string_view BytesOf(const Id& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

json CleanTexts(const std::vector<std::string>& texts) {
  json clean = json::array();
  for (const std::string& text : texts) clean.push_back(CleanText(text));
  return clean;
}

json OrNull(std::optional<bool> value) {
  return value.has_value() ? json(*value) : json();
}

// The date if PostgreSQL will accept it: 2024-11-05, or with a time in UTC behind it.
json DateOrNull(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t size, int low, int high) {
    int value = -1;
    const char* const begin = text.data() + at;
    const auto [end, failure] = std::from_chars(begin, begin + size, value);
    const bool is_whole = failure == std::errc() && end == begin + size;
    return is_whole && value >= low && value <= high ? value : -1;
  };
  constexpr std::size_t kDate = 10;
  constexpr std::size_t kTime = 19;
  if (text.size() < kDate || text[4] != '-' || text[7] != '-') return {};
  const int year = number(0, 4, 1, 9999);
  const int month = number(5, 2, 1, 12);
  const int day = number(8, 2, 1, 31);
  if (year < 0 || month < 0 || day < 0) return {};
  if (!std::chrono::year_month_day(std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day)))
           .ok()) {
    return {};
  }
  std::string date(text.substr(0, kDate));
  const bool has_time = text.size() >= kTime && (text[kDate] == 'T' || text[kDate] == ' ') &&
                        text[13] == ':' && text[16] == ':' && number(11, 2, 0, 23) >= 0 &&
                        number(14, 2, 0, 59) >= 0 && number(17, 2, 0, 59) >= 0;
  if (has_time) date += "T" + std::string(text.substr(11, 8));
  return date + (has_time ? "Z" : "T00:00:00Z");
}

json EventsOf(const std::vector<MarketInfo>& markets) {
  std::map<std::string, const MarketInfo*> events;
  for (const MarketInfo& market : markets) {
    if (!market.event_id.empty()) events[CleanText(market.event_id)] = &market;
  }
  json list = json::array();
  for (const auto& [id, market] : events) {
    list.push_back({{"id", id},
                    {"slug", CleanText(market->event_slug)},
                    {"title", CleanText(market->event_title)},
                    {"category", CleanText(market->event_category)},
                    {"tags", CleanTexts(market->event_tags)}});
  }
  return list;
}

json MarketsOf(const std::map<ConditionId, const MarketInfo*>& markets) {
  json list = json::array();
  for (const auto& [condition, market] : markets) {
    list.push_back({{"condition", condition.ToString().substr(2)},
                    {"gamma_id", CleanText(market->gamma_id)},
                    {"event", CleanText(market->event_id)},
                    {"slug", CleanText(market->slug)},
                    {"question", CleanText(market->question)},
                    {"category", CleanText(market->category)},
                    {"tags", CleanTexts(market->tags)},
                    {"outcomes", CleanTexts(market->outcomes)},
                    {"neg_risk", OrNull(market->neg_risk)},
                    {"closed", OrNull(market->closed)},
                    {"end_date", DateOrNull(market->end_date)}});
  }
  return list;
}

struct TokenPlace {
  const MarketInfo* market;
  std::size_t index;
};

PgParams TokensOf(const std::map<TokenId, TokenPlace>& tokens) {
  PgArray id = PgArray::OfBytes(), decimal = PgArray::OfText(), condition = PgArray::OfBytes();
  PgArray outcome = PgArray::OfText(), index = PgArray::OfInt16();
  for (const auto& [token, place] : tokens) {
    const std::vector<std::string>& outcomes = place.market->outcomes;
    id.Add(BytesOf(token));
    decimal.Add(std::string_view(token.ToDecimal()));
    condition.Add(BytesOf(place.market->condition));
    const bool has_outcome = place.index < outcomes.size();
    outcome.Add(std::string_view(has_outcome ? CleanText(outcomes[place.index]) : ""));
    index.Add(static_cast<std::int16_t>(place.index));
  }
  return PgParams().Array(id).Array(decimal).Array(condition).Array(outcome).Array(index);
}

PgArray ArrayOf(const std::set<TokenId>& tokens) {
  PgArray array = PgArray::OfBytes();
  for (const TokenId& token : tokens) array.Add(BytesOf(token));
  return array;
}

std::vector<TokenId> TokensIn(const PgRows& rows) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    const std::string bytes = rows.Bytes(row, 0);
    std::ranges::copy(bytes, tokens[static_cast<std::size_t>(row)].bytes.begin());
  }
  return tokens;
}

}  // namespace

Status UpsertMarkets(PgConnection& connection, const std::vector<MarketInfo>& markets) {
  constexpr std::size_t kMostTokens = 1000;  // far more than any market has
  std::map<ConditionId, const MarketInfo*> by_condition;
  std::map<TokenId, TokenPlace> tokens;
  for (const MarketInfo& market : markets) {
    by_condition[market.condition] = &market;
    for (std::size_t i = 0; i < std::min(market.tokens.size(), kMostTokens); ++i) {
      tokens[market.tokens[i]] = {&market, i};
    }
  }
  if (by_condition.empty()) return Done{};
  Result<PgTransaction> transaction = PgTransaction::Begin(connection);
  if (!transaction) return transaction.error();
  const auto exec = [&](const char* sql, const PgParams& params) -> Status {
    const Result<PgRows> rows = connection.Exec(sql, params);
    if (!rows) return rows.error();
    return Done{};
  };
  if (const Status done = exec(kEvents, PgParams().Text(EventsOf(markets).dump())); !done) {
    return done;
  }
  if (const Status done = exec(kMarkets, PgParams().Text(MarketsOf(by_condition).dump())); !done) {
    return done;
  }
  if (const Status done = exec(kTokens, TokensOf(tokens)); !done) return done;
  return transaction->Commit();
}

Result<std::vector<TokenId>> SelectUnresolved(PgConnection& connection,
                                              const std::vector<TokenId>& tokens) {
  const std::set<TokenId> wanted(tokens.begin(), tokens.end());
  if (wanted.empty()) return std::vector<TokenId>();
  const Result<PgRows> rows = connection.Exec(
      "SELECT n.token FROM unnest($1) AS n(token) LEFT JOIN token t ON t.token = n.token "
      "WHERE t.token IS NULL OR (t.resolve_state = 0 "
      "AND (t.resolve_tries = 0 OR t.next_resolve_at <= now()))",
      PgParams().Array(ArrayOf(wanted)));
  if (!rows) return rows.error();
  return TokensIn(*rows);
}

Status PostponeTokens(PgConnection& connection, const std::vector<TokenId>& tokens) {
  const std::set<TokenId> unknown(tokens.begin(), tokens.end());
  if (unknown.empty()) return Done{};
  const Result<PgRows> rows = connection.Exec(
      "WITH locked AS MATERIALIZED (SELECT token_key FROM token WHERE token = ANY ($1) "
      "AND resolve_state = 0 ORDER BY token FOR UPDATE) "
      "UPDATE token t SET resolve_tries = t.resolve_tries + 1, next_resolve_at = now() + "
      "least(interval '1 day', interval '10 minutes' * power(2, least(t.resolve_tries, 20))) "
      "FROM locked l WHERE t.token_key = l.token_key",
      PgParams().Array(ArrayOf(unknown)));
  if (!rows) return rows.error();
  return Done{};
}

Result<std::vector<TokenId>> TakeDue(PgConnection& connection, int limit) {
  const Result<PgRows> rows = connection.Exec(
      "WITH due AS MATERIALIZED (SELECT token_key FROM token WHERE resolve_state = 0 "
      "AND next_resolve_at <= now() ORDER BY next_resolve_at LIMIT $1 FOR UPDATE SKIP LOCKED) "
      "UPDATE token t SET next_resolve_at = now() + interval '5 minutes' FROM due d "
      "WHERE t.token_key = d.token_key RETURNING t.token",
      PgParams().Int64(limit));
  if (!rows) return rows.error();
  return TokensIn(*rows);
}

}  // namespace worker::store
