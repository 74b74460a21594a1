// Trades and wallets of pages that are not about one wallet.
#pragma once

#include <vector>

#include "common/ids.h"
#include "common/trade.h"

namespace worker::sources {

struct WalletTrade {
  common::WalletAddress wallet;
  common::Trade trade;

  friend bool operator==(const WalletTrade&, const WalletTrade&) = default;
};

// Sorts them, drops what comes twice, and the protocol's own contracts, which are no wallets.
void KeepWallets(std::vector<common::WalletAddress>& addresses);

// The wallets of the trades, in the same way.
std::vector<common::WalletAddress> WalletsOf(const std::vector<WalletTrade>& trades);

}  // namespace worker::sources
