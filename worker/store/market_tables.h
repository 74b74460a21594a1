// Markets, their events, and which tokens still wait for one.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/trade_store.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// Upserts, in one transaction and in the order of keys: events, markets, tokens. What an upstream
// left empty does not erase what another one said, and what is as it was is not written.
common::Status UpsertMarkets(common::PgConnection& connection,
                             const std::vector<MarketInfo>& markets);

// The same in the caller's transaction, with events that come by themselves. Returns how many rows
// are new or changed.
common::Result<std::uint64_t> WriteCatalog(common::PgConnection& connection,
                                           const std::vector<MarketInfo>& markets,
                                           const std::vector<EventInfo>& events);

// How markets ended, in the caller's transaction; what a higher authority said stands. Markets that
// are not known are left out, and so are those whose tokens are not the ones that were told.
common::Status WriteResolutions(common::PgConnection& connection,
                                const std::vector<ResolvedMarket>& resolutions);

// Those without a market, each once; not those that were asked for in vain and are not due yet.
common::Result<std::vector<common::TokenId>> SelectUnresolved(
    common::PgConnection& connection, const std::vector<common::TokenId>& tokens);

// They come due after 10 minutes, then after twice as long each time, at most a day.
common::Status PostponeTokens(common::PgConnection& connection,
                              const std::vector<common::TokenId>& tokens);

// Takes due tokens; no other worker gets them for 5 minutes.
common::Result<std::vector<common::TokenId>> TakeDue(common::PgConnection& connection, int limit);

}  // namespace worker::store
