// Which rows of a range are stored, which wallets it takes over, and which it leaves to their own
// syncs. Pure: what the database knows of the wallets comes in as their cursors.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/trade.h"
#include "worker/store/trade_store.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// Trades of a batch with what was looked up for them; all aligned with rows.trades.
struct RangeRows {
  const UnitRows& rows;
  const std::vector<common::WalletId>& wallets;
  const std::vector<std::int32_t>& token_keys;
};

// The cursors of each wallet that has any.
using Cursors = std::map<std::int32_t, std::vector<common::Cursor>>;

// What becomes of the rows of one source.
struct Sorting {
  Batch held;  // only its rows
  std::vector<std::int32_t> token_keys;
  std::map<std::int32_t, common::UnixSeconds>
      claims;  // first seconds that the source owns from now on
  std::map<std::int32_t, common::UnixSeconds> skipped;  // newest seconds
  std::map<std::int32_t, common::UnixSeconds> newest;   // of what is held
};

Sorting Sort(const RangeRows& range, common::Source source, const Cursors& cursors);

}  // namespace worker::store
