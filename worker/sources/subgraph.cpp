#include "worker/sources/subgraph.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"
#include "worker/sources/error_body.h"
#include "worker/sources/json_text.h"
#include "worker/sources/subgraph_page.h"

namespace worker::sources {
namespace {

constexpr std::size_t kPageSize = 1000;  // graph-node's largest
constexpr char kFields[] =
    "id transactionHash orderHash timestamp maker taker makerAssetId takerAssetId "
    "makerAmountFilled takerAmountFilled fee";

// Where a walk stands: the last event that is stored, and the second of the first refused one.
// As text: "1;<ts>;<refused>;<id>".
struct Position {
  common::UnixSeconds ts = 0;
  common::UnixSeconds refused_at = 0;  // 0: none
  std::string id;                      // empty: no event yet
};

std::string Encode(const Position& position) {
  return fmt::format("1;{};{};{}", position.ts, position.refused_at, position.id);
}

// Takes a number and the semicolon behind it from the front of `text`.
std::optional<common::UnixSeconds> TakeNumber(std::string_view& text) {
  common::UnixSeconds value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || value < 0 || stop == end || *stop != ';') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return value;
}

Position Decode(std::string_view text) {
  Position position;
  const auto version = TakeNumber(text);
  if (version != 1) return {};
  const auto ts = TakeNumber(text);
  const auto refused_at = ts ? TakeNumber(text) : std::nullopt;
  // Only plain ids were ever stored, see subgraph_page.cpp; a quote would break out of the query.
  if (!refused_at || text.empty() || text.find_first_of("\"\\") != std::string_view::npos)
    return {};
  return {.ts = *ts, .refused_at = *refused_at, .id = std::string(text)};
}

common::UnixSeconds FirstSecond(const common::Cursor& cursor) {
  return std::max(cursor.owned_from, cursor.complete_to + 1);
}

common::UnixSeconds LastSecond(common::UnixSeconds horizon) {
  return std::min(horizon, common::kV1Cutover);
}

common::Error Implausible(const std::string& why) {
  return {common::ErrorKind::kTransient, "the page cannot be right: " + why};
}

std::string EvidenceOf(const SubgraphEvent& event, const std::string& why) {
  const OrderFilledV1& filled = event.filled;
  return fmt::format("event {} at {}: {} (gives {} of {}, gets {} of {}, fee {})", event.id,
                     filled.ts, why, Evidence(filled.maker_amount), Evidence(filled.maker_asset),
                     Evidence(filled.taker_amount), Evidence(filled.taker_asset),
                     Evidence(filled.fee));
}

std::vector<TokenHint> HintsOf(const std::vector<common::Trade>& trades) {
  std::vector<common::TokenId> tokens;
  tokens.reserve(trades.size());
  for (const common::Trade& trade : trades) tokens.push_back(trade.token);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  std::vector<TokenHint> hints(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) hints[i].token = tokens[i];
  return hints;
}

// What must hold of an event that follows `before` on a walk of `wallet` up to `last`.
std::optional<common::Error> CheckPlace(const SubgraphEvent& event, const Position& before,
                                        const common::WalletAddress& wallet,
                                        common::UnixSeconds first, common::UnixSeconds last) {
  const common::UnixSeconds ts = event.filled.ts;
  if (event.maker != wallet) return Implausible("an event of " + event.maker.ToString());
  if (ts < first || ts > last) return Implausible("an event outside of the asked time");
  if (before.id.empty()) return std::nullopt;
  if (ts < before.ts || (ts == before.ts && event.id <= before.id)) {
    return Implausible("its events repeat or are not in order");
  }
  return std::nullopt;
}

}  // namespace

Subgraph::Subgraph(std::string url) : url_(std::move(url)), json_(std::make_unique<JsonText>()) {}

Subgraph::~Subgraph() = default;

HttpRequest Subgraph::FreshnessRequest() const {
  return {.endpoint = Endpoint::kSubgraph,
          .url = url_,
          .body = R"({"query":"{orderFilledEvents(first:1,orderBy:timestamp,orderDirection:desc))"
                  R"({timestamp}}"})"};
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
  const Position position = Decode(cursor.position);
  HttpRequest request{.endpoint = Endpoint::kSubgraph, .url = url_, .body = {}};
  const common::UnixSeconds last = LastSecond(horizon);
  if (position.id.empty()) {
    request.body = fmt::format(
        R"({{"query":"query($m:String!,$t:BigInt!,$e:BigInt!){{orderFilledEvents(first:{},)"
        R"(orderBy:timestamp,orderDirection:asc,)"
        R"(where:{{maker:$m,timestamp_gte:$t,timestamp_lte:$e}}){{{}}}}}",)"
        R"("variables":{{"m":"{}","t":"{}","e":"{}"}}}})",
        kPageSize, kFields, wallet.ToString(), FirstSecond(cursor), last);
    return request;
  }
  request.body = fmt::format(
      R"({{"query":"query($m:String!,$t:BigInt!,$i:ID!,$e:BigInt!){{orderFilledEvents(first:{},)"
      R"(orderBy:timestamp,orderDirection:asc,)"
      R"(where:{{or:[{{maker:$m,timestamp_gt:$t,timestamp_lte:$e}},)"
      R"({{maker:$m,timestamp:$t,id_gt:$i}}]}}){{{}}}}}",)"
      R"("variables":{{"m":"{}","t":"{}","i":"{}","e":"{}"}}}})",
      kPageSize, kFields, wallet.ToString(), position.ts, position.id, last);
  return request;
}

common::Result<Page> Subgraph::ParsePage(const common::WalletAddress& wallet,
                                         const common::Cursor& cursor, common::UnixSeconds horizon,
                                         std::string_view body) const {
  CHECK(cursor.source == id());
  const common::Result<std::vector<SubgraphEvent>> events = ReadSubgraphPage(*json_, body);
  if (!events) return events.error();
  if (events->size() > kPageSize) return Implausible("more events than were asked for");

  const common::UnixSeconds last_second = LastSecond(horizon);
  Position position = Decode(cursor.position);
  const common::UnixSeconds first_second = position.id.empty() ? FirstSecond(cursor) : position.ts;
  Page page;
  page.trades.reserve(events->size());
  for (const SubgraphEvent& event : *events) {
    if (auto error = CheckPlace(event, position, wallet, first_second, last_second)) return *error;
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
  page.hints = HintsOf(page.trades);
  page.last = events->size() < kPageSize;
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
