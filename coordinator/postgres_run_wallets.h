// The wallets of a run of trades.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "coordinator/ledger.h"
#include "coordinator/plans/trades.h"

namespace coordinator {

// The wallets of a run with what is to be expected of them; `selection` null: all wallets.
struct RunWallets {
  std::vector<plans::WalletLoad> loads;
  std::vector<WalletFailure> quarantined;
  std::int64_t trades_stored = 0;  // of those that are loaded
};
common::Result<RunWallets> ReadRunWallets(common::PgConnection& connection,
                                          const std::string* selection);
// Wallets that something was seen of beyond what is proven, no more than `most` (nothing: all of
// them): whales first, then those never synced, then the stalest.
common::Result<RunWallets> ReadDueWallets(common::PgConnection& connection,
                                          std::optional<std::int64_t> most);

}  // namespace coordinator
