#include "cli/second_view.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/upstream_client.h"

namespace cli {
namespace {

using common::Error;
using common::ErrorKind;
using common::Result;
using nlohmann::json;

constexpr int kMaxPages = 100'000;

// A number, or a text that holds one.
std::optional<double> NumberOf(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  if (!found->is_string()) return std::nullopt;
  return std::strtod(found->get<std::string>().c_str(), nullptr);
}

Result<std::string> ReadCursor(const json& page, const Error& bad) {
  const auto pagination = page.find("pagination");
  if (pagination == page.end() || !pagination->is_object()) return bad;
  if (!pagination->value("has_more", false)) return std::string();
  const auto cursor = pagination->find("next_cursor");
  if (cursor == pagination->end() || !cursor->is_string()) return bad;
  return cursor->get<std::string>();
}

}  // namespace

Result<std::string> AddPositions(const std::string& body, BoughtByToken& bought) {
  const Error bad{ErrorKind::kMalformed, "a page of /positions is not of the known form"};
  const json page = json::parse(body, nullptr, false);
  if (!page.is_object() || !page.contains("data")) return bad;
  const json& rows = page["data"];
  if (!rows.is_array() && !rows.is_null()) return bad;
  for (const json& row : rows) {
    if (!row.is_object() || !row.contains("token_id") || !row["token_id"].is_string()) return bad;
    const auto total = NumberOf(row, "total_size");
    if (!total) return bad;
    BoughtShares& shares = bought[row["token_id"].get<std::string>()];
    shares.total = std::max<std::int64_t>(shares.total, std::llround(*total * 1e6));
    const auto last = NumberOf(row, "last_event_at");
    if (last) shares.last_event_at = static_cast<std::int64_t>(*last);
  }
  return ReadCursor(page, bad);
}

Result<BoughtByToken> BoughtUpstream(const std::string& data_url, const std::string& wallet) {
  BoughtByToken bought;
  // Without a status only open ones are told.
  for (const char* status : {"", "&status=CLOSED"}) {
    const std::string first =
        fmt::format("{}/positions?user={}&limit=1000{}", data_url, wallet, status);
    std::string cursor;
    for (int pages = 0;; ++pages) {
      const Result<std::string> body =
          AskPatiently(cursor.empty() ? first : first + "&cursor=" + UrlEncoded(cursor));
      if (!body) return body.error();
      Result<std::string> next = AddPositions(*body, bought);
      if (!next) return next.error();
      if (next->empty()) break;
      if (*next == cursor || pages >= kMaxPages) {
        return Error{ErrorKind::kMalformed, "the pages of /positions do not end"};
      }
      cursor = std::move(*next);
    }
  }
  return bought;
}

Result<std::optional<MarketVolume>> FindVolume(const std::string& body,
                                               const std::string& condition) {
  const Error bad{ErrorKind::kMalformed, "a page of /markets is not of the known form"};
  const json page = json::parse(body, nullptr, false);
  if (!page.is_object() || !page.contains("markets") || !page["markets"].is_array()) return bad;
  for (const json& market : page["markets"]) {
    if (!market.is_object() || market.value("conditionId", "") != condition) continue;
    const auto volume = NumberOf(market, "volume");
    return std::optional(MarketVolume{std::llround(volume.value_or(0) * 1e6),
                                      market.value("closed", json()) == json(true)});
  }
  return std::optional<MarketVolume>();
}

Result<std::optional<MarketVolume>> VolumeUpstream(const std::string& gamma_url,
                                                   const std::string& condition) {
  for (const char* closed : {"true", "false"}) {
    const Result<std::string> body = AskPatiently(fmt::format(
        "{}/markets/keyset?condition_ids={}&closed={}&limit=100", gamma_url, condition, closed));
    if (!body) return body.error();
    auto found = FindVolume(*body, condition);
    if (!found || found->has_value()) return found;
  }
  return std::optional<MarketVolume>();
}

Result<std::string> AddTrades(const std::string& body, std::int64_t from, std::int64_t to,
                              ConditionCount& count) {
  const Error bad{ErrorKind::kMalformed, "a page of /trades is not of the known form"};
  const json page = json::parse(body, nullptr, false);
  if (!page.is_object() || !page.contains("data")) return bad;
  const json& rows = page["data"];
  if (!rows.is_array() && !rows.is_null()) return bad;
  for (const json& row : rows) {
    if (!row.is_object()) return bad;
    const auto size = NumberOf(row, "size");
    const auto at = NumberOf(row, "timestamp");
    if (!size || !at) return bad;
    const auto second = static_cast<std::int64_t>(*at);
    if (second < from || second > to) continue;
    ++count.trades;
    count.size += std::llround(*size * 1e6);
  }
  return ReadCursor(page, bad);
}

Result<ConditionCount> CountCondition(const std::string& data_url, const std::string& condition,
                                      std::int64_t from, std::int64_t to) {
  const std::string first = fmt::format(
      "{}/trades?condition={}&taker_only=false&filter_type=TOKENS&filter_amount=0.000001"
      "&limit=1000",
      data_url, condition);
  ConditionCount count;
  std::string cursor;
  for (int pages = 0; pages < kMaxPages; ++pages) {
    const Result<std::string> body =
        AskPatiently(cursor.empty() ? first : first + "&cursor=" + UrlEncoded(cursor));
    if (!body) return body.error();
    Result<std::string> next = AddTrades(*body, from, to, count);
    if (!next) return next.error();
    if (next->empty()) return count;
    if (*next == cursor) break;
    cursor = std::move(*next);
  }
  return Error{ErrorKind::kMalformed, "the pages of /trades do not end"};
}

bool AgreesWithVolume(std::int64_t ours, std::int64_t volume) {
  constexpr std::int64_t kUsd = 1'000'000;
  const std::int64_t tolerance = volume / 1000 + kUsd;
  return ours >= volume - tolerance;
}

}  // namespace cli
