#include "worker/sources/subgraph_range.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/json_text.h"
#include "worker/sources/subgraph_events.h"

namespace worker::sources {
namespace {

common::UnixSeconds LastSecond(const SubgraphRange& range) {
  return std::min(range.to, common::kV1Cutover);
}

std::vector<TokenHint> HintsOfTrades(const std::vector<WalletTrade>& trades) {
  std::vector<common::TokenId> tokens;
  tokens.reserve(trades.size());
  for (const WalletTrade& trade : trades) tokens.push_back(trade.trade.token);
  return HintsOf(std::move(tokens));
}

}  // namespace

HttpRequest SubgraphRangeRequest(const std::string& url, const SubgraphRange& range,
                                 std::string_view position_text) {
  const SubgraphPosition position = DecodeSubgraphPosition(position_text);
  HttpRequest request{.endpoint = Endpoint::kSubgraph, .url = url, .body = {}};
  if (position.id.empty()) {
    request.body =
        fmt::format(R"({{"query":"query($t:BigInt!,$e:BigInt!){{orderFilledEvents(first:{},)"
                    R"(orderBy:timestamp,orderDirection:asc,)"
                    R"(where:{{timestamp_gte:$t,timestamp_lte:$e}}){{{}}}}}",)"
                    R"("variables":{{"t":"{}","e":"{}"}}}})",
                    kSubgraphPageSize, kSubgraphFields, range.from, LastSecond(range));
    return request;
  }
  request.body = fmt::format(
      R"({{"query":"query($t:BigInt!,$i:ID!,$e:BigInt!){{orderFilledEvents(first:{},)"
      R"(orderBy:timestamp,orderDirection:asc,)"
      R"(where:{{or:[{{timestamp_gt:$t,timestamp_lte:$e}},{{timestamp:$t,id_gt:$i}}]}}){{{}}}}}",)"
      R"("variables":{{"t":"{}","i":"{}","e":"{}"}}}})",
      kSubgraphPageSize, kSubgraphFields, position.ts, position.id, LastSecond(range));
  return request;
}

common::Result<SubgraphRangePage> ParseSubgraphRange(const SubgraphRange& range,
                                                     std::string_view position_text,
                                                     std::string_view body) {
  JsonText json;
  const common::Result<std::vector<SubgraphEvent>> events = ReadSubgraphPage(json, body);
  if (!events) return events.error();
  if (events->size() > kSubgraphPageSize) return Implausible("more events than were asked for");
  SubgraphPosition position = DecodeSubgraphPosition(position_text);
  const common::UnixSeconds first = position.id.empty() ? range.from : position.ts;
  SubgraphRangePage page;
  page.trades.reserve(events->size());
  for (const SubgraphEvent& event : *events) {
    if (auto error = CheckOrder(event, position, first, LastSecond(range))) return *error;
    position.ts = event.filled.ts;
    position.id = event.id;
    common::Result<common::Trade> trade = TradeOf(event.filled);
    if (trade) {
      trade->source = common::Source::kSubgraph;
      page.trades.push_back({event.maker, *trade});
    } else {
      page.refused.push_back(EvidenceOf(event, trade.error().message));
      page.refused_of.push_back(event.maker);
    }
  }
  page.hints = HintsOfTrades(page.trades);
  const bool is_last = events->size() < kSubgraphPageSize;
  // The last second of a full page may go on in the next one.
  page.through = is_last ? LastSecond(range) : position.ts - 1;
  if (!is_last) page.position = Encode(position);
  return page;
}

HttpRequest SubgraphNewestRequest(const std::string& url) {
  return {.endpoint = Endpoint::kSubgraph, .url = url, .body = kSubgraphNewestQuery};
}

common::Result<common::UnixSeconds> ParseSubgraphNewest(std::string_view body) {
  JsonText json;
  return ReadNewestTimestamp(json, body);
}

}  // namespace worker::sources
