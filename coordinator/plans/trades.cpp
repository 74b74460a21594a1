#include "coordinator/plans/trades.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace coordinator::plans {
namespace {

constexpr std::int64_t kUnknownTrades = 100;  // the average of a wallet never seen before
constexpr std::int64_t kPageTrades = 1000;
constexpr common::UnixSeconds kActiveSpan = 180LL * 24 * 3600;

}  // namespace

std::int64_t ExpectedTrades(const WalletHistory& wallet, common::UnixSeconds now) {
  // A walk that was interrupted is expected to have as much ahead as behind.
  if (wallet.complete_to == 0) return std::max(wallet.trades_stored, kUnknownTrades);
  const common::UnixSeconds stale =
      std::clamp<common::UnixSeconds>(now - wallet.complete_to, 0, kActiveSpan);
  return wallet.trades_stored * stale / kActiveSpan;
}

void PlanTrades(std::vector<WalletLoad>& wallets, int workers,
                const std::function<void(PlannedChunk)>& emit) {
  CHECK(workers >= 1);
  std::sort(wallets.begin(), wallets.end(), [](const WalletLoad& a, const WalletLoad& b) {
    return a.expected_trades != b.expected_trades ? a.expected_trades > b.expected_trades
                                                  : a.wallet < b.wallet;
  });
  const std::size_t shares = 4 * static_cast<std::size_t>(workers);
  for (std::size_t next = 0; next < wallets.size();) {
    const std::size_t remaining = wallets.size() - next;
    const std::size_t most = std::clamp(remaining / shares, kFewestWallets, kMostWallets);
    PlannedChunk chunk;
    std::int64_t trades = 0;
    while (next < wallets.size() && chunk.wallets.size() < most) {
      const WalletLoad& wallet = wallets[next];
      // A chunk is as heavy as one whale at most; a whale fills it alone.
      if (!chunk.wallets.empty() && trades + wallet.expected_trades > kWhaleTrades) break;
      chunk.wallets.push_back(wallet.wallet.value);
      trades += wallet.expected_trades;
      chunk.weight += wallet.expected_trades + kWalletWeight;
      ++next;
    }
    emit(std::move(chunk));
  }
}

std::int64_t ExpectedRequests(const std::vector<WalletLoad>& wallets) {
  std::int64_t requests = 0;
  for (const WalletLoad& wallet : wallets) {
    // Full pages, the last one, and the head once more.
    requests += wallet.expected_trades / kPageTrades + 2;
  }
  return requests;
}

}  // namespace coordinator::plans
