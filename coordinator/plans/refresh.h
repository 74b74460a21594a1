// The order in which a refresh syncs wallets: whales, then those never synced, then the stalest.
// Pure.
#pragma once

#include <functional>
#include <vector>

#include "coordinator/plans/trades.h"

namespace coordinator::plans {

// Calls `emit` for each chunk, in the order of `wallets`. REQUIRES: workers >= 1.
void PlanRefresh(const std::vector<WalletLoad>& wallets, int workers,
                 const std::function<void(PlannedChunk)>& emit);

}  // namespace coordinator::plans
