// Where wallets stand: cursors, states and counters, written in the transaction of the rows.
#pragma once

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/trade_rows.h"
#include "worker/store/trade_store.h"

namespace worker::store {

// The wallets whose walk came to nothing, although trades of that time are stored; or later ones,
// which a take-over would delete.
common::Result<std::vector<common::WalletId>> FindContradicted(common::PgConnection& connection,
                                                               const Batch& batch);

// Deletes the rows of other sources where a cursor takes over, and cuts their cursors, unless a
// newer lease has moved that wallet meanwhile. Returns what was removed.
common::Result<Changes> TakeOver(common::PgConnection& connection, const Batch& batch);

// Upserts wallet_cursor and wallet_sync. REQUIRES: `changes` names wallets of the batch. Offering
// the same batch again changes nothing: stored rows are counted as they were inserted, the rest
// only where the cursor moved or a failure is new. A cursor never goes back to what an older lease
// says.
common::Status WriteProgress(common::PgConnection& connection, const Batch& batch,
                             const Changes& changes);

}  // namespace worker::store
