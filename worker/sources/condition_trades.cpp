#include "worker/sources/condition_trades.h"

#include <utility>

#include <fmt/format.h>

#include "worker/sources/data_api_page.h"
#include "worker/sources/data_api_walk.h"
#include "worker/sources/json_text.h"

namespace worker::sources {
namespace {

DataApiPosition PositionOf(std::string_view text) {
  return DecodeDataApiPosition(text).value_or(DataApiPosition{});
}

}  // namespace

HttpRequest ConditionTradesRequest(const std::string& data_url,
                                   const common::ConditionId& condition,
                                   std::string_view position) {
  std::string url = fmt::format(
      "{}/trades?condition={}&taker_only=false&filter_type=TOKENS&filter_amount=0.000001&limit={}",
      data_url, condition.ToString(), kFeedPageSize);
  const DataApiPosition before = PositionOf(position);
  if (!before.next_cursor.empty()) url += "&cursor=" + EscapeQuery(before.next_cursor);
  return {.endpoint = Endpoint::kDataTrades, .url = std::move(url), .body = {}};
}

common::Result<ConditionTradesPage> ParseConditionTrades(const common::ConditionId& condition,
                                                         std::string_view position,
                                                         std::string_view body) {
  JsonText json;
  DataApiPosition at = PositionOf(position);
  const DataApiFeed feed{.wallet = {}, .condition = condition};
  common::Result<DataApiPage> read = ReadDataApiPage(json, body, feed, at);
  if (!read) return read.error();
  ConditionTradesPage page;
  page.trades.reserve(read->trades.size());
  for (std::size_t i = 0; i < read->trades.size(); ++i) {
    page.trades.push_back({read->wallets[i], read->trades[i]});
  }
  page.wallets = std::move(read->wallets);
  KeepWallets(page.wallets);
  page.hints = std::move(read->hints);
  page.refused = std::move(read->refused);
  if (at.page_hash != 0) page.oldest = at.boundary;
  if (read->has_more) page.position = Encode(at);
  return page;
}

}  // namespace worker::sources
