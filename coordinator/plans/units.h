// How units of work other than wallets' trades are cut into chunks. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "coordinator/plans/trades.h"

namespace coordinator::plans {

struct UnitLoad {
  std::int32_t unit = 0;
  std::int64_t weight = 0;
};

struct UnitLimits {
  std::size_t most_units = 1;       // in a chunk
  std::int64_t most_weight = 0;     // in a chunk of more than one
  std::size_t chunks_a_worker = 4;  // that many at least, where there are units enough
};

// A chunk of holders, activity or positions is some 30 to 60 s of work; a range is heavy, and walks
// of Gamma are few: each goes alone.
inline constexpr UnitLimits kMarketsLimits = {1, 0, 1};
inline constexpr UnitLimits kResolutionsLimits = {50, 50 * kWalletWeight, 4};
inline constexpr UnitLimits kHoldersLimits = {200, 100'000, 4};
// Many spans of a history are short; where few are left, each is a chunk.
inline constexpr UnitLimits kRangeLimits = {8, std::int64_t{8} * kWhaleTrades, 8};
inline constexpr UnitLimits kActivityLimits = {500, 250'000, 4};
inline constexpr UnitLimits kPositionsLimits = {500, 250'000, 4};

// Calls `emit` for each chunk, in the order of `units`, which is the order in which they are to be
// leased. REQUIRES: workers >= 1.
void PlanUnits(const std::vector<UnitLoad>& units, const UnitLimits& limits, int workers,
               const std::function<void(PlannedChunk)>& emit);

// The weight of one condition's holders and trades, by the volume that it is expected to tell.
std::int64_t HoldersWeight(double new_volume);
// The weight of one wallet's activity, by the trades that are stored of it.
std::int64_t ActivityWeight(std::int64_t trades_stored);

}  // namespace coordinator::plans
