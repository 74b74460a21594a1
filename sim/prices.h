// What a share is worth: while its market is open, and once it is resolved. In millionths.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/world.h"

namespace sim {

// A fixed draw for a market: the same in every answer.
std::uint64_t DrawOf(const Market& market, std::uint64_t stream);

// What a share of each outcome pays, once the market is resolved. Nothing for markets that are not,
// and for recorded ones that do not say it: the last prices of a closed market are no payouts.
std::vector<std::int64_t> PayoutsOf(const Market& market);

// The prices of all outcomes: the payouts, or what the market trades at.
std::vector<std::int64_t> PricesOf(const Market& market);

}  // namespace sim
