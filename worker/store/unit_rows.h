// All rows of a batch of units, put where they belong.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/range_rows.h"
#include "worker/store/token_dictionary.h"
#include "worker/store/unit_batch.h"
#include "worker/store/wallet_dictionary.h"

namespace worker::store {

// The numbers that stand for what the rows name; each list is aligned with one of theirs.
struct UnitKeys {
  std::vector<common::WalletId> wallets;
  std::vector<common::WalletId> trade_wallets;
  std::vector<common::WalletId> activity_wallets;
  std::vector<common::WalletId> position_wallets;
  std::vector<common::WalletId> told_wallets;
  std::vector<std::int32_t> trade_tokens;
  std::vector<std::int32_t> activity_tokens;  // 0: none
  std::vector<std::int32_t> position_tokens;
};

// Outside of any transaction, as new wallets and tokens get their rows in statements of their own.
common::Result<UnitKeys> KeysOf(common::PgConnection& connection, const UnitRows& rows,
                                WalletDictionary& wallets, TokenDictionary& tokens);

// In the caller's transaction: everything of the batch, and the progress of its units.
common::Result<Receipt> WriteUnitRows(common::PgConnection& connection, const UnitBatch& batch,
                                      const UnitKeys& keys, Lane lane);

}  // namespace worker::store
