#include "sim/dome.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/amounts.h"
#include "sim/blocks.h"
#include "sim/chain.h"
#include "sim/cursor.h"
#include "sim/data_rows.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr const char* kList = "orders";
constexpr std::int64_t kMostOrders = 1000;

Response DomeError(int status, std::string_view error, std::string_view message) {
  std::string body = "{";
  AppendTextPair(body, "error", error);
  AppendTextPair(body, "message", message);
  body.back() = '}';
  return JsonResponse(status, std::move(body));
}

Response BadRequest(std::string_view message) {
  return DomeError(400, "Bad Request", message);
}

bool HasKey(const Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view text = request.authorization;
  return text.starts_with(kBearer) && text.size() > kBearer.size();
}

}  // namespace

struct Dome::Query {
  bool has_user = false;
  std::optional<std::uint32_t> user;  // nothing for one who never traded
  bool has_market = false;
  std::optional<std::uint32_t> market;
  bool has_token = false;
  std::optional<std::uint32_t> token;
  std::int64_t start = 0;
  std::int64_t end = INT64_MAX;
  std::int64_t limit = 100;
  std::int64_t offset = 0;
  std::optional<std::int64_t> before;  // of a pagination_key: fills before this one
};

std::optional<Response> Dome::ReadQuery(const Request& request, Query& query) const {
  const auto number_of = [](const std::uint32_t* number) {
    return number == nullptr ? std::nullopt : std::optional<std::uint32_t>(*number);
  };
  if (const auto user = request.Get("user")) {
    if (!common::WalletAddress::Parse(*user)) return BadRequest("user is not an address");
    query.has_user = true;
    query.user = number_of(world_.FindWallet(*user));
  }
  if (const auto condition = request.Get("condition_id")) {
    query.has_market = true;
    query.market = number_of(world_.FindMarketByCondition(ToLower(*condition)));
  }
  if (const auto slug = request.Get("market_slug")) {
    query.has_market = true;
    query.market = number_of(world_.FindMarketBySlug(*slug));
  }
  if (const auto token = request.Get("token_id")) {
    query.has_token = true;
    query.token = number_of(world_.FindToken(*token));
  }
  for (const char* name : {"start_time", "end_time"}) {
    const auto text = request.Get(name);
    if (!text) continue;
    const auto value = ParseInteger(*text);
    if (!value || *value < 0) return BadRequest(fmt::format("{} is not a time in seconds", name));
    (name[0] == 's' ? query.start : query.end) = *value;
  }
  return ReadPage(request, query);
}

std::optional<Response> Dome::ReadPage(const Request& request, Query& query) const {
  if (const auto text = request.Get("limit")) {
    const auto limit = ParseInteger(*text);
    if (!limit || *limit < 1 || *limit > kMostOrders) return BadRequest("limit must be 1 to 1000");
    query.limit = *limit;
  }
  if (const auto text = request.Get("offset")) {
    const auto offset = ParseInteger(*text);
    if (!offset || *offset < 0) return BadRequest("offset must not be negative");
    query.offset = *offset;
  }
  const auto key = request.Get("pagination_key");
  if (!key || key->empty()) return std::nullopt;
  query.before = OpenPlace(world_.seed(), kList, *key);
  if (!query.before) return BadRequest("pagination_key is not valid");
  return std::nullopt;
}

std::vector<FillNumber> Dome::Matches(const Query& query) const {
  std::vector<FillNumber> matches;
  const auto wants = [&](FillNumber number) {
    const Fill& fill = world_.fills()[number];
    return fill.archived && fill.ts >= query.start && fill.ts <= query.end &&
           (!query.has_user || query.user == fill.wallet) &&
           (!query.has_market || query.market == world_.tokens()[fill.token].market) &&
           (!query.has_token || query.token == fill.token);
  };
  const auto take = [&](const auto& numbers) {
    for (auto at = numbers.rbegin(); at != numbers.rend(); ++at) {
      if (wants(*at)) matches.push_back(*at);
    }
  };
  if (query.has_user) {
    if (query.user) take(world_.FillsOf(*query.user));
  } else if (query.has_market || query.has_token) {
    const auto market = query.has_market || !query.token
                            ? query.market
                            : std::optional<std::uint32_t>(world_.tokens()[*query.token].market);
    if (market) take(world_.FillsIn(*market));
  } else {
    for (auto number = static_cast<FillNumber>(world_.fills().size()); number > 0; --number) {
      if (wants(number - 1)) matches.push_back(number - 1);
    }
  }
  return matches;
}

Response Dome::Answer(const Request& request) const {
  if (!HasKey(request)) {
    return DomeError(401, "Unauthorized", "Missing or invalid Authorization header");
  }
  if (request.path != "/orders") return DomeError(404, "Not Found", "no such route");
  if (request.method != "GET") return DomeError(405, "Method Not Allowed", "use GET");
  Query query;
  if (auto refusal = ReadQuery(request, query)) return *std::move(refusal);
  const auto matches = Matches(query);
  auto begin = static_cast<std::size_t>(query.offset);
  if (query.before) {
    begin = static_cast<std::size_t>(
        std::partition_point(matches.begin(), matches.end(),
                             [&](FillNumber number) { return number >= *query.before; }) -
        matches.begin());
  }
  begin = std::min(begin, matches.size());
  const auto limit = static_cast<std::size_t>(query.limit);
  Response response;
  if (request.page_fault == PageFault::kRepeat && begin >= limit) {
    begin -= limit;
    response.page_fault_done = true;
  }
  const std::size_t end = std::min(begin + limit, matches.size());
  response.body = R"({"orders":[)";
  for (std::size_t i = begin; i < end; ++i) {
    if (response.rows++ > 0) response.body += ',';
    AppendOrder(response.body, matches[i]);
  }
  const bool more = end < matches.size();
  response.body +=
      fmt::format(R"(],"pagination":{{"limit":{},"offset":{},"total":{},"has_more":{})",
                  query.limit, query.offset, matches.size(), more);
  const bool without = request.page_fault == PageFault::kNoCursor;
  if (more && without) response.page_fault_done = true;
  if (more && !without) {
    response.body +=
        fmt::format(R"(,"pagination_key":"{}")", SealPlace(world_.seed(), kList, matches[end - 1]));
  }
  response.body += "}}";
  return response;
}

void Dome::AppendOrder(std::string& out, FillNumber number) const {
  const Fill& fill = world_.fills()[number];
  const Token& token = world_.tokens()[fill.token];
  const Market& market = world_.markets()[token.market];
  out += '{';
  AppendTextPair(out, "token_id", token.decimal);
  AppendTextPair(out, "token_label", market.outcomes[token.outcome]);
  AppendTextPair(out, "side", fill.side == common::Side::kBuy ? "BUY" : "SELL");
  AppendTextPair(out, "market_slug", market.slug);
  AppendTextPair(out, "condition_id", market.condition_id);
  out += fmt::format("\"shares\":{},\"price\":", fill.size);
  AppendPrice(out, fill.size, fill.usdc, false);
  out += fmt::format(",\"block_number\":{},\"log_index\":{},", BlockAt(fill.ts),
                     Chain::LogIndexOf(world_, number));
  AppendTextPair(out, "tx_hash", Hex(world_.TxHash(fill)));
  AppendTextPair(out, "title", market.question);
  out += fmt::format("\"timestamp\":{},", fill.ts);
  AppendTextPair(out, "order_hash", Hex(world_.OrderHash(fill)));
  AppendTextPair(out, "user", Hex(world_.wallets()[fill.wallet].address.bytes));
  AppendTextPair(out, "taker", Hex(world_.wallets()[fill.taker].address.bytes));
  out += "\"shares_normalized\":";
  AppendMillionths(out, fill.size, false);
  out += '}';
}

}  // namespace sim
