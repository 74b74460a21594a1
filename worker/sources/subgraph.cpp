#include "worker/sources/subgraph.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"
#include "worker/sources/json_text.h"
#include "worker/sources/subgraph_events.h"

namespace worker::sources {
namespace {

common::UnixSeconds LastSecond(common::UnixSeconds horizon) {
  return std::min(horizon, common::kV1Cutover);
}

std::vector<TokenHint> HintsOfTrades(const std::vector<common::Trade>& trades) {
  std::vector<common::TokenId> tokens;
  tokens.reserve(trades.size());
  for (const common::Trade& trade : trades) tokens.push_back(trade.token);
  return HintsOf(std::move(tokens));
}

}  // namespace

Subgraph::Subgraph(std::string url) : url_(std::move(url)), json_(std::make_unique<JsonText>()) {}

Subgraph::~Subgraph() = default;

HttpRequest Subgraph::FreshnessRequest() const {
  return {.endpoint = Endpoint::kSubgraph, .url = url_, .body = kSubgraphNewestQuery};
}

common::Result<common::UnixSeconds> Subgraph::ParseFreshness(std::string_view body,
                                                             common::UnixSeconds /*now*/) const {
  const common::Result<common::UnixSeconds> newest = ReadNewestTimestamp(*json_, body);
  if (!newest) return newest.error();
  return LastSecond(*newest);
}

std::string Subgraph::Shortfall(common::UnixSeconds horizon) const {
  if (horizon >= common::kV1Cutover - kSubgraphSilence) return {};
  return fmt::format("the subgraph stopped at {}, before its end at {}", horizon,
                     common::kV1Cutover);
}

HttpRequest Subgraph::PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                  common::UnixSeconds horizon) const {
  CHECK(cursor.source == id());
  const SubgraphPosition position = DecodeSubgraphPosition(cursor.position);
  HttpRequest request{.endpoint = Endpoint::kSubgraph, .url = url_, .body = {}};
  const common::UnixSeconds last = LastSecond(horizon);
  if (position.id.empty()) {
    request.body = fmt::format(
        R"({{"query":"query($m:String!,$t:BigInt!,$e:BigInt!){{orderFilledEvents(first:{},)"
        R"(orderBy:timestamp,orderDirection:asc,)"
        R"(where:{{maker:$m,timestamp_gte:$t,timestamp_lte:$e}}){{{}}}}}",)"
        R"("variables":{{"m":"{}","t":"{}","e":"{}"}}}})",
        kSubgraphPageSize, kSubgraphFields, wallet.ToString(), FirstSecond(cursor), last);
    return request;
  }
  request.body = fmt::format(
      R"({{"query":"query($m:String!,$t:BigInt!,$i:ID!,$e:BigInt!){{orderFilledEvents(first:{},)"
      R"(orderBy:timestamp,orderDirection:asc,)"
      R"(where:{{or:[{{maker:$m,timestamp_gt:$t,timestamp_lte:$e}},)"
      R"({{maker:$m,timestamp:$t,id_gt:$i}}]}}){{{}}}}}",)"
      R"("variables":{{"m":"{}","t":"{}","i":"{}","e":"{}"}}}})",
      kSubgraphPageSize, kSubgraphFields, wallet.ToString(), position.ts, position.id, last);
  return request;
}

common::Result<Page> Subgraph::ParsePage(const common::WalletAddress& wallet,
                                         const common::Cursor& cursor, common::UnixSeconds horizon,
                                         std::string_view body) const {
  CHECK(cursor.source == id());
  const common::Result<std::vector<SubgraphEvent>> events = ReadSubgraphPage(*json_, body);
  if (!events) return events.error();
  if (events->size() > kSubgraphPageSize) return Implausible("more events than were asked for");

  const common::UnixSeconds last_second = LastSecond(horizon);
  SubgraphPosition position = DecodeSubgraphPosition(cursor.position);
  const common::UnixSeconds first_second = position.id.empty() ? FirstSecond(cursor) : position.ts;
  Page page;
  page.trades.reserve(events->size());
  for (const SubgraphEvent& event : *events) {
    if (event.maker != wallet) return Implausible("an event of " + event.maker.ToString());
    if (auto error = CheckOrder(event, position, first_second, last_second)) return *error;
    position.ts = event.filled.ts;
    position.id = event.id;
    common::Result<common::Trade> trade = TradeOf(event.filled);
    if (trade) {
      trade->source = id();
      page.trades.push_back(*trade);
    } else {
      page.refused.push_back(EvidenceOf(event, trade.error().message));
      if (position.refused_at == 0) position.refused_at = event.filled.ts;
    }
  }
  page.hints = HintsOfTrades(page.trades);
  page.last = events->size() < kSubgraphPageSize;
  page.next = cursor;
  // The last second of a full page may go on in the next one.
  const common::UnixSeconds whole = page.last ? last_second : position.ts - 1;
  const common::UnixSeconds before_refused = position.refused_at == 0
                                                 ? std::numeric_limits<common::UnixSeconds>::max()
                                                 : position.refused_at - 1;
  page.next.complete_to = std::max(cursor.complete_to, std::min(whole, before_refused));
  page.next.position = page.last ? std::string() : Encode(position);
  if (page.last && position.refused_at != 0) {
    page.shortfall = fmt::format("an event at {} cannot be a trade", position.refused_at);
  }
  return page;
}

}  // namespace worker::sources
