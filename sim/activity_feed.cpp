#include "sim/activity_feed.h"

#include <algorithm>
#include <utility>

#include "sim/list_page.h"
#include "sim/trades_query.h"

namespace sim {
namespace {

constexpr const char* kActivityEndpoint = "activity";

using Item = WalletBook::Item;

ParameterFailure ReadTypes(const Request& request, ActivityQuery& query) {
  for (const std::string_view text : SplitValues(request, "type")) {
    const auto type = ParseActivityType(text);
    if (!type) return ParameterError{"type", "'" + std::string(text) + "' is no activity type"};
    query.types.push_back(*type);
  }
  return std::nullopt;
}

ParameterFailure ReadOrder(const Request& request, ActivityQuery& query) {
  if (request.Get("sort_by").value_or("TIMESTAMP") != "TIMESTAMP") {
    return ParameterError{"sort_by", "only TIMESTAMP is supported"};
  }
  const auto direction = request.Get("sort_direction").value_or("DESC");
  if (direction != "ASC" && direction != "DESC") {
    return ParameterError{"sort_direction", "sort_direction is ASC or DESC"};
  }
  query.ascending = direction == "ASC";
  return std::nullopt;
}

bool WantsType(const ActivityQuery& query, ActivityType type) {
  const bool is_deposit = type == ActivityType::kDeposit || type == ActivityType::kWithdrawal;
  if (is_deposit && query.without_deposits) return false;
  if (query.types.empty()) return type != ActivityType::kTip;
  return std::find(query.types.begin(), query.types.end(), type) != query.types.end();
}

bool Wants(const World& world, const ActivityQuery& query, const WalletBook& book,
           const Item& item) {
  if (item.ts < query.start || item.ts > query.end) return false;
  const Fill* fill = item.is_fill ? &world.fills()[item.index] : nullptr;
  const ActivityRow* row = item.is_fill ? nullptr : &book.rows[item.index];
  if (!WantsType(query, fill != nullptr ? ActivityType::kTrade : row->type)) return false;
  if (query.side && (fill == nullptr || fill->side != *query.side)) return false;
  if (!query.markets) return true;
  const std::uint32_t market = fill != nullptr ? world.tokens()[fill->token].market : row->market;
  return std::find(query.markets->begin(), query.markets->end(), market) != query.markets->end();
}

}  // namespace

ParameterFailure ReadActivityQuery(const World& world, const Request& request,
                                   ActivityQuery& query) {
  if (auto failure = RefuseOffset(request)) return failure;
  if (auto failure = ReadUser(world, request, query.user)) return failure;
  if (!query.user.address) return ParameterError{"user", "user is required"};
  if (auto failure = ReadMarkets(world, request, query.markets)) return failure;
  if (auto failure = ReadTypes(request, query)) return failure;
  if (auto failure = ReadSide(request, query.side)) return failure;
  if (auto failure = ReadOrder(request, query)) return failure;
  constexpr const char* kDeposits = "exclude_deposits_withdrawals";
  if (auto failure = ReadFlag(request, kDeposits, query.without_deposits)) return failure;
  query.start = request.now - kThreeYears;
  if (auto failure = ReadTime(request, "start", query.start)) return failure;
  if (auto failure = ReadTime(request, "end", query.end)) return failure;
  if (auto failure = ReadPage(world, request, kActivityEndpoint, query.limit, query.after))
    return failure;
  // A cursor keeps the direction that it was made for.
  if (query.after && query.after->direction != FeedPosition::kStart) {
    query.ascending = query.after->direction == FeedPosition::kAscending;
  }
  return std::nullopt;
}

Response AnswerActivity(const World& world, const Request& request, const ActivityQuery& query,
                        Books& books, DataRows& rows) {
  if (!query.user.wallet) return NoRows(query.limit);
  const WalletBook& book = books.OfWallet(*query.user.wallet);
  std::vector<const Item*> items;
  for (const Item& item : book.items) {
    if (Wants(world, query, book, item)) items.push_back(&item);
  }
  if (!query.ascending) std::reverse(items.begin(), items.end());
  std::size_t at = 0;
  if (query.after && query.after->direction != FeedPosition::kStart) {
    const std::pair last(query.after->timestamp, query.after->sequence);
    at = static_cast<std::size_t>(
        std::partition_point(items.begin(), items.end(),
                             [&](const Item* item) {
                               const std::pair place(std::int64_t{item->ts}, item->sequence);
                               return query.ascending ? place <= last : place >= last;
                             }) -
        items.begin());
  }
  Response response;
  const auto anchor = [&](std::size_t index) {
    const auto direction = query.ascending ? FeedPosition::kAscending : FeedPosition::kDescending;
    return FeedPosition{query.limit, items[index]->ts, items[index]->sequence, direction};
  };
  const ListPage page =
      CutPage(request, {world.seed(), kActivityEndpoint, query.limit, query.after}, at,
              items.size(), anchor, response);
  response.body = "{\"data\":[";
  for (std::size_t i = page.begin; i < page.end; ++i) {
    if (response.rows++ > 0) response.body += ',';
    const Item& item = *items[i];
    if (item.is_fill) {
      rows.AppendTradeActivity(response.body, world.fills()[item.index]);
    } else {
      rows.AppendActivity(response.body, *query.user.wallet, book.rows[item.index]);
    }
  }
  AppendPagination(response.body, query.limit, page.more, page.next);
  return response;
}

}  // namespace sim
