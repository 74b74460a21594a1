#include "sim/clob.h"

#include <optional>

#include <fmt/format.h>

#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::size_t kPageSize = 1000;
constexpr std::int64_t kEndCursor = -1;  // "LTE=" as a cursor

Response ClobError(int status, std::string_view message) {
  std::string body = "{\"error\":";
  AppendJsonString(body, message);
  return JsonResponse(status, body + '}');
}

// Where a cursor points; nothing for a text that is no cursor.
std::optional<std::int64_t> Offset(const Request& request) {
  const auto cursor = request.Get("next_cursor");
  if (!cursor || cursor->empty()) return 0;
  const auto text = FromBase64(*cursor);
  const auto offset = text ? ParseInteger(*text) : std::nullopt;
  if (!offset || *offset < kEndCursor) return std::nullopt;
  return offset;
}

}  // namespace

Clob::Clob(const World& world, std::int64_t unknown_after_seconds)
    : world_(world), knowledge_(unknown_after_seconds) {}

Response Clob::Answer(const Request& request) const {
  constexpr std::string_view kMarket = "/markets/";
  constexpr std::string_view kToken = "/markets-by-token/";
  if (request.method != "GET") return ClobError(405, "method not allowed");
  const std::string_view path = request.path;
  if (path == "/markets") return Page(request);
  if (path.starts_with(kMarket)) return ByCondition(request, path.substr(kMarket.size()));
  if (path.starts_with(kToken)) return ByToken(request, path.substr(kToken.size()));
  return ClobError(404, "not found");
}

Response Clob::Page(const Request& request) const {
  const auto offset = Offset(request);
  if (!offset) return ClobError(400, "invalid next_cursor");
  Response response = JsonResponse(200, "{\"data\":[");
  std::int64_t left = *offset == kEndCursor ? INT64_MAX : *offset;  // to be passed over
  bool more = false;
  for (const Market& market : world_.markets()) {
    if (!knowledge_.InClob(market, request.now) || left-- > 0) continue;
    more = response.rows == kPageSize;
    if (more) break;
    if (response.rows++ > 0) response.body += ',';
    AppendMarket(response.body, market);
  }
  const auto told = static_cast<std::int64_t>(response.rows);
  const std::string next = std::to_string(more ? *offset + told : kEndCursor);
  response.body += fmt::format(R"(],"next_cursor":"{}","limit":{},"count":{}}})", Base64(next),
                               kPageSize, response.rows);
  return response;
}

Response Clob::ByCondition(const Request& request, std::string_view condition_id) const {
  const std::uint32_t* number = world_.FindMarketByCondition(ToLower(condition_id));
  if (number == nullptr || !knowledge_.InClob(world_.markets()[*number], request.now)) {
    return ClobError(404, "market not found");
  }
  Response response;
  response.rows = 1;
  AppendMarket(response.body, world_.markets()[*number]);
  return response;
}

Response Clob::ByToken(const Request& request, std::string_view decimal) const {
  const std::uint32_t* token = world_.FindToken(decimal);
  if (token == nullptr) return ClobError(404, "market not found");
  const Market& market = world_.markets()[world_.tokens()[*token].market];
  if (!knowledge_.InClob(market, request.now)) return ClobError(404, "market not found");
  const auto decimal_at = [&](std::size_t outcome) {
    return outcome < market.tokens.size() ? world_.tokens()[market.tokens[outcome]].decimal : "";
  };
  Response response;
  response.rows = 1;
  response.body =
      fmt::format(R"({{"condition_id":"{}","primary_token_id":"{}","secondary_token_id":"{}"}})",
                  market.condition_id, decimal_at(0), decimal_at(1));
  return response;
}

void Clob::AppendMarket(std::string& out, const Market& market) const {
  const Event& event = world_.events()[market.event];
  const bool closed = market.closed_at != 0;
  out += fmt::format(
      R"({{"enable_order_book":{},"active":true,"closed":{},"archived":false,"accepting_orders":{},)",
      !closed, closed, !closed);
  out += R"("accepting_order_timestamp":null,"minimum_order_size":5,"minimum_tick_size":0.001,)";
  AppendTextPair(out, "condition_id", market.condition_id);
  AppendTextPair(out, "question_id", market.question_id);
  AppendTextPair(out, "question", market.question);
  AppendTextPair(out, "description", "");
  AppendTextPair(out, "market_slug", market.slug);
  AppendTextPair(out, "end_date_iso", IsoTime(market.ends));
  out += R"("game_start_time":null,"seconds_delay":0,"fpmm":"","maker_base_fee":0,)";
  out += fmt::format(R"("taker_base_fee":{},"notifications_enabled":true,"neg_risk":{},)",
                     market.fee_permille, market.neg_risk);
  AppendTextPair(out, "neg_risk_market_id", event.neg_risk_market_id);
  AppendTextPair(out, "neg_risk_request_id", market.neg_risk ? market.question_id : "");
  AppendTextPair(out, "icon", market.icon);
  AppendTextPair(out, "image", market.icon);
  out += R"("rewards":{"rates":null,"min_size":0,"max_spread":0},"is_50_50_outcome":)";
  out += closed && market.winner < 0 ? "true," : "false,";
  AppendTokens(out, market);
  out += R"("tags":[)";
  for (const std::uint32_t tag : event.tags) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, world_.tags()[tag].label);
  }
  out += "]}";
}

// The winner is told once the market is closed; a market without one has none.
void Clob::AppendTokens(std::string& out, const Market& market) const {
  const bool closed = market.closed_at != 0;
  const auto prices = PricesOf(market);
  out += R"("tokens":[)";
  for (std::size_t i = 0; i < market.tokens.size(); ++i) {
    const bool winner = closed && market.winner == static_cast<std::int32_t>(i);
    if (i > 0) out += ',';
    out += '{';
    AppendTextPair(out, "token_id", world_.tokens()[market.tokens[i]].decimal);
    AppendTextPair(out, "outcome", market.outcomes[i]);
    out += R"("price":)";
    AppendMillionths(out, i < prices.size() ? prices[i] : 0, false);
    out += winner ? R"(,"winner":true})" : R"(,"winner":false})";
  }
  out += "],";
}

}  // namespace sim
