#include "worker/sources/wallet_trade.h"

#include <algorithm>

#include "common/contracts.h"

namespace worker::sources {

void KeepWallets(std::vector<common::WalletAddress>& addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::erase_if(addresses, common::IsContract);
}

std::vector<common::WalletAddress> WalletsOf(const std::vector<WalletTrade>& trades) {
  std::vector<common::WalletAddress> wallets;
  wallets.reserve(trades.size());
  for (const WalletTrade& trade : trades) wallets.push_back(trade.wallet);
  KeepWallets(wallets);
  return wallets;
}

}  // namespace worker::sources
