#include "coordinator/plans/refresh.h"

#include "coordinator/plans/units.h"

namespace coordinator::plans {

void PlanRefresh(const std::vector<WalletLoad>& wallets, int workers,
                 const std::function<void(PlannedChunk)>& emit) {
  std::vector<UnitLoad> units;
  units.reserve(wallets.size());
  for (const WalletLoad& wallet : wallets) {
    units.push_back({wallet.wallet.value, wallet.expected_trades + kWalletWeight});
  }
  constexpr std::int64_t kMostWeight =
      kWhaleTrades + static_cast<std::int64_t>(kMostWallets) * kWalletWeight;
  PlanUnits(units, {kMostWallets, kMostWeight, 4}, workers, emit);
}

}  // namespace coordinator::plans
