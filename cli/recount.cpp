#include "cli/recount.h"

#include <cmath>

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

constexpr std::int64_t kMaxWalletPages = 1'000'000;

}  // namespace

Result<std::string> AddPage(const std::string& body, WalletCount& count) {
  const Error bad{ErrorKind::kMalformed, "a page of /trades is not of the known form"};
  const json page = json::parse(body, nullptr, false);
  if (!page.is_object() || !page.contains("data") || !page.contains("pagination")) return bad;
  const json& rows = page["data"];
  if (!rows.is_array() && !rows.is_null()) return bad;
  for (const json& row : rows) {
    if (!row.is_object() || !row.contains("size") || !row["size"].is_number()) return bad;
    if (!row.contains("side") || !row["side"].is_string()) return bad;
    const auto side = row["side"].get<std::string>();
    if (side != "BUY" && side != "SELL") return bad;
    SideCount& where = side == "BUY" ? count.buys : count.sells;
    ++where.trades;
    // Six decimals below nine milliards of shares: a double holds them exactly enough to round.
    where.size += std::llround(row["size"].get<double>() * 1e6);
  }
  const json& pagination = page["pagination"];
  if (!pagination.is_object()) return bad;
  const auto has_more = pagination.find("has_more");
  if (has_more == pagination.end() || has_more->is_null()) return std::string();
  if (!has_more->is_boolean()) return bad;
  if (!has_more->get<bool>()) return std::string();
  const auto cursor = pagination.find("next_cursor");
  if (cursor == pagination.end() || !cursor->is_string()) return bad;
  return cursor->get<std::string>();
}

Result<WalletCount> CountUpstream(const std::string& data_url, const std::string& wallet,
                                  std::int64_t end) {
  const std::string filters = fmt::format(
      "{}/trades?user={}&start=1&end={}&taker_only=false&filter_type=TOKENS&filter_amount=0.000001"
      "&limit=1000",
      data_url, wallet, end);
  WalletCount count;
  std::string cursor;
  while (count.requests < kMaxWalletPages) {
    const Result<std::string> body =
        AskPatiently(cursor.empty() ? filters : filters + "&cursor=" + UrlEncoded(cursor));
    if (!body) return body.error();
    ++count.requests;
    Result<std::string> next = AddPage(*body, count);
    if (!next) return next.error();
    if (next->empty()) return count;
    if (*next == cursor) return Error{ErrorKind::kMalformed, "the upstream repeats a page"};
    cursor = std::move(*next);
  }
  return Error{ErrorKind::kMalformed, "the upstream's pages do not end"};
}

}  // namespace cli
