#include "worker/store/market_json.h"

#include <charconv>
#include <chrono>
#include <ctime>
#include <string_view>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "worker/store/clean_text.h"

namespace worker::store {
namespace {

using common::ConditionId;
using nlohmann::json;

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

}  // namespace

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

json ResolutionsOf(const std::map<ConditionId, const ResolvedMarket*>& resolutions) {
  json list = json::array();
  for (const auto& [condition, resolved] : resolutions) {
    const Resolution* const resolution = &resolved->resolution;
    std::int64_t sum = 0;
    for (const std::int64_t payout : resolution->payouts) sum += payout;
    if (sum <= 0) continue;
    // Shares of one: 0.5 and 0.5, or 1 and 0.
    json payouts = json::array();
    for (const std::int64_t payout : resolution->payouts) {
      payouts.push_back(
          fmt::format("{:.6f}", static_cast<double>(payout) / static_cast<double>(sum)));
    }
    json tokens = json::array();
    for (const common::TokenId& token : resolved->tokens) tokens.push_back(token.ToDecimal());
    list.push_back({{"condition", condition.ToString().substr(2)},
                    {"payouts", std::move(payouts)},
                    {"tokens", std::move(tokens)},
                    {"source", static_cast<int>(resolution->source)},
                    {"at", TimeOrNull(resolution->at)}});
  }
  return list;
}

}  // namespace worker::store
