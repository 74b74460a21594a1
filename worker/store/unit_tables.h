// Where units of work leave what is neither a market nor a trade, and where units stand.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// All of them run in the caller's transaction, in the order of keys.

// Notes wallets whose own sync has not proven what was seen of them, or is yet to begin. `ids` are
// aligned with `wallets`.
common::Status NoteDue(common::PgConnection& connection, const std::vector<FoundWallet>& wallets,
                       const std::vector<common::WalletId>& ids);

// `wallets` and `token_keys` (0: none) are aligned with `rows`. Returns how many were new.
common::Result<std::uint64_t> InsertActivity(common::PgConnection& connection,
                                             const std::vector<WalletActivity>& rows,
                                             const std::vector<common::WalletId>& wallets,
                                             const std::vector<std::int32_t>& token_keys);

// The same for positions, which replace what was known of them; marked as seen by this run.
common::Status UpsertPositions(common::PgConnection& connection, common::RunId run,
                               const std::vector<sources::Position>& rows,
                               const std::vector<common::WalletId>& wallets,
                               const std::vector<std::int32_t>& token_keys);

// Forgets the wallets' positions that neither this run nor one before it has seen, and keeps what
// they are worth.
common::Status EndPositions(common::PgConnection& connection, common::RunId run,
                            const std::vector<PositionsTold>& told,
                            const std::vector<common::WalletId>& wallets);

// Moves the batch's units, as these say. Offering the same batch again changes nothing, and nothing
// goes back to what an older lease says.
common::Status WriteUnitProgress(common::PgConnection& connection, const UnitBatch& batch,
                                 const std::vector<UnitProgress>& units);

}  // namespace worker::store
