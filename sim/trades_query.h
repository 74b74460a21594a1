// The parameters of /v2/trades, read and validated.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/data_parameters.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

struct TradesQuery {
  DataUser user;
  std::optional<std::vector<std::uint32_t>> markets;  // of condition and event_id
  std::optional<common::Side> side;
  bool taker_only = true;
  bool amount_is_cash = false;
  std::int64_t least_amount = 10'000;  // 0.01
  std::int64_t start = 0;
  std::int64_t end = INT64_MAX;
  std::int64_t limit = 100;
  std::optional<FeedPosition> after;
};

inline constexpr const char* kTradesEndpoint = "trades";
// The window of a feed that names no start.
inline constexpr std::int64_t kThreeYears = 3 * 365 * 86'400 + 86'400;

// Fills in the query or returns what is wrong.
ParameterFailure ReadTradesQuery(const World& world, const Request& request, TradesQuery& query);

}  // namespace sim
