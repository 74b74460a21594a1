#include "worker/store/market_tables.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <map>
#include <set>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "worker/store/clean_text.h"
#include "worker/store/market_statements.h"

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

json TimeOrNull(common::UnixSeconds at) {
  constexpr common::UnixSeconds kLastYear = 253'402'300'799;  // the end of the year 9999
  if (at <= 0 || at > kLastYear) return {};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(at)));
}

// "0x" and hex, as SQL's decode wants it.
json HexOrNull(std::string_view text) {
  return text.size() > 2 ? json(text.substr(2)) : json();
}

json NumberOrNull(const std::string& text) {
  return text.empty() ? json() : json(text);
}

json JsonOf(const EventInfo& event) {
  return {{"slug", CleanText(event.slug)},
          {"title", CleanText(event.title)},
          {"category", CleanText(event.category)},
          {"tags", CleanTexts(event.tags)},
          {"neg_risk", OrNull(event.neg_risk)},
          {"closed", OrNull(event.closed)},
          {"group_id", HexOrNull(event.neg_risk_market_id)},
          {"volume", NumberOrNull(event.volume)},
          {"created_at", TimeOrNull(event.created_at)},
          {"start_date", TimeOrNull(event.started_at)},
          {"end_date", DateOrNull(event.end_date)},
          {"closed_time", TimeOrNull(event.closed_at)},
          {"gamma_updated_at", TimeOrNull(event.updated_at)}};
}

// What a market says of its event counts where the event does not come by itself.
json EventsOf(const std::vector<MarketInfo>& markets, const std::vector<EventInfo>& told) {
  std::map<std::string, json> events;
  for (const MarketInfo& market : markets) {
    if (market.event_id.empty()) continue;
    EventInfo event;
    event.slug = market.event_slug;
    event.title = market.event_title;
    event.category = market.event_category;
    event.tags = market.event_tags;
    events[CleanText(market.event_id)] = JsonOf(event);
  }
  for (const EventInfo& event : told) events[CleanText(event.event_id)] = JsonOf(event);
  json list = json::array();
  for (auto& [id, event] : events) {
    event["id"] = id;
    list.push_back(std::move(event));
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
                    {"end_date", DateOrNull(market->end_date)},
                    {"question_id", HexOrNull(market->question_id)},
                    {"group_id", HexOrNull(market->neg_risk_market_id)},
                    {"group_title", CleanText(market->group_title)},
                    {"version", CleanText(market->version)},
                    {"volume", NumberOrNull(market->volume)},
                    {"created_at", TimeOrNull(market->created_at)},
                    {"start_date", TimeOrNull(market->started_at)},
                    {"closed_time", TimeOrNull(market->closed_at)},
                    {"gamma_updated_at", TimeOrNull(market->updated_at)}});
  }
  return list;
}

json ResolutionsOf(const std::map<ConditionId, const Resolution*>& resolutions) {
  json list = json::array();
  for (const auto& [condition, resolution] : resolutions) {
    std::int64_t sum = 0;
    for (const std::int64_t payout : resolution->payouts) sum += payout;
    if (sum <= 0) continue;
    // Shares of one: 0.5 and 0.5, or 1 and 0.
    json payouts = json::array();
    for (const std::int64_t payout : resolution->payouts) {
      payouts.push_back(
          fmt::format("{:.6f}", static_cast<double>(payout) / static_cast<double>(sum)));
    }
    list.push_back({{"condition", condition.ToString().substr(2)},
                    {"payouts", std::move(payouts)},
                    {"source", static_cast<int>(resolution->source)},
                    {"at", TimeOrNull(resolution->at)}});
  }
  return list;
}

struct TokenPlace {
  const MarketInfo* market;
  std::size_t index;
  TokenEra era;
};

PgParams TokensOf(const std::map<TokenId, TokenPlace>& tokens) {
  PgArray id = PgArray::OfBytes(), decimal = PgArray::OfText(), condition = PgArray::OfBytes();
  PgArray outcome = PgArray::OfText(), index = PgArray::OfInt16(), era = PgArray::OfInt16();
  for (const auto& [token, place] : tokens) {
    const std::vector<std::string>& outcomes = place.market->outcomes;
    id.Add(BytesOf(token));
    decimal.Add(std::string_view(token.ToDecimal()));
    condition.Add(BytesOf(place.market->condition));
    const bool has_outcome = place.index < outcomes.size();
    outcome.Add(std::string_view(has_outcome ? CleanText(outcomes[place.index]) : ""));
    index.Add(static_cast<std::int16_t>(place.index));
    era.Add(static_cast<std::int16_t>(place.era));
  }
  return PgParams().Array(id).Array(decimal).Array(condition).Array(outcome).Array(index).Array(
      era);
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
  if (markets.empty()) return Done{};
  Result<PgTransaction> transaction = PgTransaction::Begin(connection);
  if (!transaction) return transaction.error();
  const Result<std::uint64_t> written = WriteCatalog(connection, markets, {});
  if (!written) return written.error();
  return transaction->Commit();
}

Result<std::uint64_t> WriteCatalog(PgConnection& connection, const std::vector<MarketInfo>& markets,
                                   const std::vector<EventInfo>& events) {
  constexpr std::size_t kMostTokens = 1000;  // far more than any market has
  std::map<ConditionId, const MarketInfo*> by_condition;
  std::map<TokenId, TokenPlace> tokens;
  std::vector<ResolvedMarket> resolutions;
  for (const MarketInfo& market : markets) {
    by_condition[market.condition] = &market;
    for (std::size_t i = 0; i < std::min(market.tokens.size(), kMostTokens); ++i) {
      tokens[market.tokens[i]] = {&market, i, market.era};
    }
    for (std::size_t i = 0; i < std::min(market.position_ids.size(), kMostTokens); ++i) {
      tokens[market.position_ids[i]] = {&market, i, TokenEra::kProtocolV2};
    }
    if (market.resolution) resolutions.push_back({market.condition, *market.resolution});
  }
  std::uint64_t written = 0;
  const auto exec = [&](const char* sql, const PgParams& params) -> Status {
    const Result<PgRows> rows = connection.Exec(sql, params);
    if (!rows) return rows.error();
    written += static_cast<std::uint64_t>(rows->affected());
    return Done{};
  };
  const json event_rows = EventsOf(markets, events);
  if (!event_rows.empty()) {
    if (const Status done = exec(kEvents, PgParams().Text(event_rows.dump())); !done) {
      return done.error();
    }
  }
  if (by_condition.empty()) return written;
  if (const Status done = exec(kMarkets, PgParams().Text(MarketsOf(by_condition).dump())); !done) {
    return done.error();
  }
  if (!tokens.empty()) {
    if (const Status done = exec(kTokens, TokensOf(tokens)); !done) return done.error();
  }
  if (const Status done = WriteResolutions(connection, resolutions); !done) return done.error();
  return written;
}

Status WriteResolutions(PgConnection& connection, const std::vector<ResolvedMarket>& resolutions) {
  std::map<ConditionId, const Resolution*> by_condition;
  for (const ResolvedMarket& resolved : resolutions) {
    const Resolution*& best = by_condition[resolved.condition];
    if (best == nullptr || resolved.resolution.source <= best->source) best = &resolved.resolution;
  }
  const json rows = ResolutionsOf(by_condition);
  if (rows.empty()) return Done{};
  const Result<PgRows> written = connection.Exec(kResolutions, PgParams().Text(rows.dump()));
  if (!written) return written.error();
  return Done{};
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
