// The short number that stands for a wallet, for wallets that are met by their addresses.
//
// As with tokens: new ones are inserted in statements of their own, sorted, before the rows that
// name them, and only those that are missing, so that no number is spent on a wallet that is
// there. What was seen is remembered, up to a bound. One thread.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

class WalletDictionary {
 public:
  // The ids of these wallets, in their order; what is new gets a row that says who found it. A
  // wallet may come several times; the first finder is noted.
  common::Result<std::vector<common::WalletId>> IdsOf(common::PgConnection& connection,
                                                      const std::vector<FoundWallet>& wallets);

  // After the connection was lost: the database may have lost what it had not made durable.
  void Forget() { known_.clear(); }

 private:
  using Missing = std::vector<const FoundWallet*>;

  common::Status Learn(common::PgConnection& connection, Missing wallets);
  common::Result<Missing> LookUp(common::PgConnection& connection, const Missing& wallets);

  std::unordered_map<common::WalletAddress, common::WalletId> known_;
};

}  // namespace worker::store
