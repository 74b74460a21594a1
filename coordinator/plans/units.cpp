#include "coordinator/plans/units.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace coordinator::plans {

void PlanUnits(const std::vector<UnitLoad>& units, const UnitLimits& limits, int workers,
               const std::function<void(PlannedChunk)>& emit) {
  CHECK(workers >= 1 && limits.most_units >= 1);
  const std::size_t shares = limits.chunks_a_worker * static_cast<std::size_t>(workers);
  for (std::size_t next = 0; next < units.size();) {
    const std::size_t fair = (units.size() - next + shares - 1) / shares;
    const std::size_t most = std::clamp<std::size_t>(fair, 1, limits.most_units);
    PlannedChunk chunk;
    while (next < units.size() && chunk.wallets.size() < most) {
      const UnitLoad& unit = units[next];
      if (!chunk.wallets.empty() && chunk.weight + unit.weight > limits.most_weight) break;
      chunk.wallets.push_back(unit.unit);
      chunk.weight += unit.weight;
      ++next;
    }
    emit(std::move(chunk));
  }
}

std::int64_t HoldersWeight(double new_volume) {
  constexpr double kUsdPerTrade = 100;
  constexpr double kMostTrades = 10'000'000;
  const double trades = std::clamp(new_volume / kUsdPerTrade, 0.0, kMostTrades);
  return 2 * kWalletWeight + static_cast<std::int64_t>(trades);
}

std::int64_t ActivityWeight(std::int64_t trades_stored) {
  constexpr std::int64_t kTradesPerRow = 5;
  return kWalletWeight + std::max<std::int64_t>(0, trades_stored) / kTradesPerRow;
}

}  // namespace coordinator::plans
