#include "sim/trades_query.h"

#include "sim/text.h"

namespace sim {
namespace {

// An amount of 0 means the default of 0.01.
ParameterFailure ReadAmount(const Request& request, TradesQuery& query) {
  const auto type = request.Get("filter_type").value_or("TOKENS");
  if (type != "TOKENS" && type != "CASH") {
    return ParameterError{"filter_type", "filter_type is TOKENS or CASH"};
  }
  query.amount_is_cash = type == "CASH";
  const auto amount = ParseMillionths(request.Get("filter_amount").value_or("0"));
  if (!amount) return ParameterError{"filter_amount", "filter_amount is not a number"};
  if (*amount > 0) query.least_amount = *amount;
  return std::nullopt;
}

// Start and end count with `user` only; without a start the window is three years long.
ParameterFailure ReadWindow(const Request& request, TradesQuery& query) {
  // The bare feed holds the current and the previous month; 62 days reach as far or further.
  constexpr std::int64_t kTwoMonths = std::int64_t{62} * 86'400;
  std::int64_t start = request.now - kThreeYears;
  std::int64_t end = INT64_MAX;
  query.start = start;
  if (auto failure = ReadTime(request, "start", start)) return failure;
  if (auto failure = ReadTime(request, "end", end)) return failure;
  if (query.user.address) {
    query.start = start;
    query.end = end;
  } else if (!query.markets) {
    query.start = request.now - kTwoMonths;
  }
  return std::nullopt;
}

}  // namespace

ParameterFailure ReadTradesQuery(const World& world, const Request& request, TradesQuery& query) {
  if (auto failure = RefuseOffset(request)) return failure;
  if (auto failure = ReadUser(world, request, query.user)) return failure;
  if (auto failure = ReadMarkets(world, request, query.markets)) return failure;
  if (auto failure = ReadFlag(request, "taker_only", query.taker_only)) return failure;
  if (auto failure = ReadSide(request, query.side)) return failure;
  if (auto failure = ReadAmount(request, query)) return failure;
  if (auto failure = ReadWindow(request, query)) return failure;
  return ReadPage(world, request, kTradesEndpoint, query.limit, query.after);
}

}  // namespace sim
