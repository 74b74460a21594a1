// The parameters of /v2/trades, read and validated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/cursor.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

struct TradesQuery {
  std::optional<std::string> user;                    // lower case
  std::optional<std::uint32_t> wallet;                // nothing for a user that never traded
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

struct ParameterError {
  std::string parameter;
  std::string message;
};

inline constexpr const char* kTradesEndpoint = "trades";

// Fills in the query or returns what is wrong. Parameters that are not known are ignored.
std::optional<ParameterError> ReadTradesQuery(const World& world, const Request& request,
                                              TradesQuery& query);

}  // namespace sim
