// How a trades run is cut into chunks: by expected weight, never by number of wallets alone.
//
// Activity is Pareto: a few whales have most of the trades. Each of them goes alone, the others by
// up to 500, heaviest first, so that the run has no long tail. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace coordinator::plans {

// What the database knows of a wallet before its sync.
struct WalletHistory {
  std::int64_t trades_stored = 0;
  common::UnixSeconds complete_to = 0;    // 0: nothing is proven
  common::UnixSeconds last_trade_ts = 0;  // 0: none
};

// Trades that a sync of this wallet is expected to fetch.
std::int64_t ExpectedTrades(const WalletHistory& wallet, common::UnixSeconds now);

struct WalletLoad {
  common::WalletId wallet;
  std::int32_t expected_trades = 0;
};

struct PlannedChunk {
  std::vector<std::int32_t> wallets;  // wallet ids, heaviest first
  std::int64_t weight = 0;
};

// From this many expected trades on a wallet is a whale.
inline constexpr std::int32_t kWhaleTrades = 20'000;
inline constexpr std::size_t kFewestWallets = 10;
inline constexpr std::size_t kMostWallets = 500;
// A wallet costs at least one request, which is worth that many trades.
inline constexpr std::int64_t kWalletWeight = 500;

// Calls `emit` for each chunk, in the order in which they are to be leased. Sorts `wallets`.
// REQUIRES: workers >= 1; each wallet once.
void PlanTrades(std::vector<WalletLoad>& wallets, int workers,
                const std::function<void(PlannedChunk)>& emit);

// Requests to the trade source that these wallets are expected to take.
std::int64_t ExpectedRequests(const std::vector<WalletLoad>& wallets);

}  // namespace coordinator::plans
