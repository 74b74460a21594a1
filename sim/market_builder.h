// Markets, events, tags and tokens of the seeded world.
#pragma once

#include <cstdint>

#include "sim/world.h"

namespace sim {

// The seeded world's history: three and a half years up to a fixed instant.
inline constexpr common::UnixSeconds kWorldEnd = 1'795'132'800;  // 2026-11-20T00:00:00Z
inline constexpr common::UnixSeconds kWorldStart = 1'684'681'200;

// Fills in tags, events, markets and tokens. Every so many markets are of Protocol V2; 0: none.
void BuildMarkets(std::uint64_t seed, std::uint32_t markets, std::uint32_t positions_each,
                  WorldParts& parts);

}  // namespace sim
