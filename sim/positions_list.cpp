// /v2/positions and /v2/value.
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "sim/amounts.h"
#include "sim/data_api.h"
#include "sim/data_parameters.h"
#include "sim/data_rows.h"
#include "sim/list_page.h"
#include "sim/positions.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr const char* kPositionsEndpoint = "positions";
constexpr std::array<std::string_view, 5> kStatuses = {"OPEN", "REDEEMABLE", "REDEEMABLE_LOST",
                                                       "MERGEABLE", "CLOSED"};
constexpr std::array<std::string_view, 6> kSorts = {"CURRENT_VALUE", "TOKENS",    "UNREALIZED_PNL",
                                                    "REALIZED_PNL",  "TOTAL_PNL", "TIMESTAMP"};

struct PositionsQuery {
  DataUser user;
  std::optional<std::vector<std::uint32_t>> markets;
  std::string_view status = "OPEN";
  std::string_view sort = "CURRENT_VALUE";
  bool ascending = false;
  std::int64_t least = 0;
  std::int64_t start = 0;
  std::int64_t end = INT64_MAX;
  std::string title;
  std::int64_t limit = 100;
  std::optional<FeedPosition> after;
};

// A cursor is made for one status and one order. Saying another one beside it is refused.
std::string EndpointOf(const PositionsQuery& query) {
  return fmt::format("{}-{}-{}", kPositionsEndpoint, query.status, query.sort);
}

template <std::size_t N>
ParameterFailure ReadWord(const Request& request, const char* name,
                          const std::array<std::string_view, N>& words, std::string_view& word) {
  const auto text = request.Get(name);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found == words.end()) return ParameterError{name, std::string(name) + " is not valid"};
  word = *found;
  return std::nullopt;
}

// What a walk was begun with holds for all its pages, said or not.
ParameterFailure AdoptCursor(const World& world, const Request& request, PositionsQuery& query) {
  const auto cursor = request.Get("cursor");
  if (!cursor) return ReadPage(world, request, EndpointOf(query), query.limit, query.after);
  for (const std::string_view status : kStatuses) {
    for (const std::string_view sort : kSorts) {
      PositionsQuery other = query;
      other.status = status;
      other.sort = sort;
      if (!OpenFeedCursor(world.seed(), EndpointOf(other), *cursor)) continue;
      if (request.Get("status") && status != query.status) {
        return ParameterError{"status", "the cursor is of another status"};
      }
      if (request.Get("sort_by") && sort != query.sort) {
        return ParameterError{"sort_by", "the cursor is of another order"};
      }
      query.status = status;
      query.sort = sort;
    }
  }
  if (auto failure = ReadPage(world, request, EndpointOf(query), query.limit, query.after)) {
    return failure;
  }
  if (query.after->direction != FeedPosition::kStart) {
    query.ascending = query.after->direction == FeedPosition::kAscending;
  }
  return std::nullopt;
}

ParameterFailure ReadPositionsQuery(const World& world, const Request& request,
                                    PositionsQuery& query) {
  if (auto failure = RefuseOffset(request)) return failure;
  if (auto failure = ReadUser(world, request, query.user)) return failure;
  if (auto failure = ReadMarkets(world, request, query.markets)) return failure;
  if (!query.user.address && (!query.markets || request.Get("event_id"))) {
    return ParameterError{"user", "user or condition is required"};
  }
  if (auto failure = ReadWord(request, "status", kStatuses, query.status)) return failure;
  if (query.status == "CLOSED") query.sort = "REALIZED_PNL";
  if (auto failure = ReadWord(request, "sort_by", kSorts, query.sort)) return failure;
  const auto direction = request.Get("sort_direction").value_or("DESC");
  if (direction != "ASC" && direction != "DESC") {
    return ParameterError{"sort_direction", "sort_direction is ASC or DESC"};
  }
  query.ascending = direction == "ASC";
  const auto least = ParseMillionths(request.Get("filter_amount").value_or("0"));
  if (!least) return ParameterError{"filter_amount", "filter_amount is not a number"};
  query.least = *least;
  if (auto failure = ReadTime(request, "start", query.start)) return failure;
  if (auto failure = ReadTime(request, "end", query.end)) return failure;
  query.title = ToLower(request.Get("title").value_or(""));
  if (auto failure = AdoptCursor(world, request, query)) return failure;
  if (query.status == "REDEEMABLE_LOST" && !query.user.address) {
    return ParameterError{"status", "REDEEMABLE_LOST needs a user"};
  }
  return std::nullopt;
}

bool HasStatus(const Position& position, std::string_view status) {
  const bool redeemable = position.status == PositionStatus::kRedeemable;
  if (status == "CLOSED") return position.status == PositionStatus::kClosed;
  if (status == "REDEEMABLE_LOST") return redeemable && position.lost;
  if (status == "REDEEMABLE") return redeemable && !position.lost;
  const bool open = position.size > 0 && !position.lost;
  return status == "MERGEABLE" ? open && position.mergeable : open;
}

bool Wants(const World& world, const PositionsQuery& query, const Position& position) {
  const std::uint32_t number = world.tokens()[position.token].market;
  const auto& markets = query.markets;
  const bool closed = position.status == PositionStatus::kClosed;
  return HasStatus(position, query.status) && (closed || position.size >= query.least) &&
         query.start <= position.last_at && position.last_at <= query.end &&
         (!markets || std::find(markets->begin(), markets->end(), number) != markets->end()) &&
         (query.title.empty() ||
          ToLower(world.markets()[number].question).find(query.title) != std::string::npos);
}

std::int64_t KeyOf(const Position& position, std::string_view sort) {
  if (sort == "TOKENS") return position.size;
  if (sort == "UNREALIZED_PNL") return position.unrealized;
  if (sort == "REALIZED_PNL") return position.realized;
  if (sort == "TOTAL_PNL") return position.realized + position.unrealized;
  return sort == "TIMESTAMP" ? position.last_at : position.current_value;
}

// Tells rows with equal keys apart: no two have the same wallet and token.
std::int64_t TieOf(const Position& position) {
  return std::int64_t{position.wallet} << 31 | position.token;
}

void AppendPosition(std::string& out, const World& world, const Position& position) {
  const Token& token = world.tokens()[position.token];
  const Market& market = world.markets()[token.market];
  const Event& event = world.events()[market.event];
  const auto percent = [](std::int64_t part, std::int64_t whole) {
    constexpr std::int64_t kHundred = 100'000'000;
    return Portion(kHundred, part, whole);
  };
  out += R"({"proxy_wallet":")";
  AppendHex(out, world.wallets()[position.wallet].address.bytes);
  out += "\",";
  AppendTextPair(out, "token_id", token.decimal);
  AppendTextPair(out, "condition_id", market.condition_id);
  AppendExactPair(out, "current_size", position.size);
  AppendRoundedPair(out, "avg_price", position.average_price);
  AppendRoundedPair(out, "entry_cost_usdc", position.entry_cost);
  AppendExactPair(out, "entry_fees_usdc", position.entry_fees);
  AppendExactPair(out, "total_cost_usdc", RoundedToFour(position.entry_cost) + position.entry_fees);
  AppendRoundedPair(out, "current_price", position.current_price);
  AppendRoundedPair(out, "current_value", position.current_value);
  AppendExactPair(out, "total_size", position.bought);
  AppendRoundedPair(out, "realized_pnl", position.realized);
  AppendRoundedPair(out, "unrealized_pnl", position.unrealized);
  AppendRoundedPair(out, "total_pnl", position.realized + position.unrealized);
  AppendRoundedPair(out, "percent_pnl", percent(position.unrealized, position.entry_cost));
  AppendRoundedPair(out, "percent_realized_pnl", percent(position.realized, position.entry_cost));
  AppendTextPair(out, "status", ToString(position.status));
  out += fmt::format(R"("redeemable":{},"mergeable":{},"negative_risk":{},"archived":false,)",
                     position.status == PositionStatus::kRedeemable, position.mergeable,
                     market.neg_risk);
  AppendTextPair(out, "title", market.question);
  AppendTextPair(out, "slug", market.slug);
  AppendTextPair(out, "icon", market.icon);
  AppendTextPair(out, "event_id", event.id);
  AppendTextPair(out, "event_slug", event.slug);
  AppendTextPair(out, "outcome", market.outcomes[token.outcome]);
  out += fmt::format("\"outcome_index\":{},", token.outcome);
  const std::size_t other = token.outcome == 0 ? 1 : 0;
  const bool has_other = market.tokens.size() == 2;
  AppendTextPair(out, "opposite_outcome", has_other ? market.outcomes[other] : "");
  AppendTextPair(out, "opposite_token_id",
                 has_other ? world.tokens()[market.tokens[other]].decimal : "");
  AppendTextPair(out, "end_date", market.ends == 0 ? "" : IsoDay(market.ends));
  out += fmt::format(R"("last_event_at":{},"first_entry_at":{},)", position.last_at,
                     position.first_at);
  AppendTextPair(out, "name", NameOf(position.wallet));
  out += R"("profile_image":"","verified":false})";
}

std::vector<Position> Candidates(const World& world, const PositionsQuery& query, Books& books) {
  if (query.user.wallet) return PositionsOf(world, books.OfWallet(*query.user.wallet).holdings);
  std::vector<Position> all;
  for (const std::uint32_t market : *query.markets) {
    const auto positions = PositionsOf(world, books.OfMarket(market));
    all.insert(all.end(), positions.begin(), positions.end());
  }
  return all;
}

}  // namespace

Response AnswerPositions(const World& world, const Request& request, Books& books) {
  PositionsQuery query;
  if (const auto error = ReadPositionsQuery(world, request, query)) {
    return DataError(400, "invalid_request", error->message, error->parameter);
  }
  if (query.user.address && !query.user.wallet) return NoRows(query.limit);
  auto positions = Candidates(world, query, books);
  std::erase_if(positions,
                [&](const Position& position) { return !Wants(world, query, position); });
  const auto place = [&](const Position& position) {
    return std::pair(KeyOf(position, query.sort), TieOf(position));
  };
  const auto before = [&](const auto& a, const auto& b) {
    return query.ascending ? a < b : b < a;
  };
  std::sort(positions.begin(), positions.end(),
            [&](const Position& a, const Position& b) { return before(place(a), place(b)); });
  std::size_t at = 0;
  if (query.after && query.after->direction != FeedPosition::kStart) {
    const std::pair last(query.after->timestamp, query.after->sequence);
    at = static_cast<std::size_t>(std::partition_point(positions.begin(), positions.end(),
                                                       [&](const Position& position) {
                                                         return !before(last, place(position));
                                                       }) -
                                  positions.begin());
  }
  const std::string endpoint = EndpointOf(query);
  Response response;
  const auto anchor = [&](std::size_t index) {
    const auto [key, tie] = place(positions[index]);
    return FeedPosition{query.limit, key, tie,
                        query.ascending ? FeedPosition::kAscending : FeedPosition::kDescending};
  };
  const ListPage page = CutPage(request, {world.seed(), endpoint, query.limit, query.after}, at,
                                positions.size(), anchor, response);
  response.body = "{\"data\":[";
  for (std::size_t i = page.begin; i < page.end; ++i) {
    if (response.rows++ > 0) response.body += ',';
    AppendPosition(response.body, world, positions[i]);
  }
  AppendPagination(response.body, query.limit, page.more, page.next);
  return response;
}

Response AnswerValue(const World& world, const Request& request, Books& books) {
  DataUser user;
  auto error = ReadUser(world, request, user);
  if (!error && !user.address) error = ParameterError{"user", "user is required"};
  if (error) return DataError(400, "invalid_request", error->message, error->parameter);
  if (!user.wallet) return JsonResponse(200, R"({"data":null})");
  const auto positions = PositionsOf(world, books.OfWallet(*user.wallet).holdings);
  Response response;
  response.rows = 1;
  response.body = R"({"data":{)";
  AppendTextPair(response.body, "proxy_wallet", *user.address);
  AppendRoundedPair(response.body, "value", ValueOf(positions));
  response.body.back() = '}';
  response.body += '}';
  return response;
}

}  // namespace sim
