// Fills that were found by time or by block, on their way into the table.
//
// They come with the addresses of their wallets, and any of these may have been told by another
// source: range_ownership.h says which rows are stored, and the wallets' cursors are written where
// the range begins to own something. What only a wallet's own sync may own is noted as due.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/range_sorting.h"
#include "worker/store/trade_rows.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// How the rows get in: see TradeRows. The first is tried where nothing was deleted before.
enum class Lane : std::uint8_t { kFast, kReplay };

// Deletes what is told anew and what is taken over, stores what is the range's to own, and counts.
// In the caller's transaction. A unique violation says that the fast lane was not the one.
common::Result<std::uint64_t> WriteRange(common::PgConnection& connection, const UnitBatch& batch,
                                         const RangeRows& range, Lane lane);

}  // namespace worker::store
