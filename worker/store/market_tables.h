// Markets, their events, and which tokens still wait for one.
#pragma once

#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/trade_store.h"

namespace worker::store {

// Upserts, in one transaction and in the order of keys: events, markets, tokens. What an upstream
// left empty does not erase what another one said.
common::Status UpsertMarkets(common::PgConnection& connection,
                             const std::vector<MarketInfo>& markets);

// Those without a market, each once; not those that were asked for in vain and are not due yet.
common::Result<std::vector<common::TokenId>> SelectUnresolved(
    common::PgConnection& connection, const std::vector<common::TokenId>& tokens);

// They come due after 10 minutes, then after twice as long each time, at most a day.
common::Status PostponeTokens(common::PgConnection& connection,
                              const std::vector<common::TokenId>& tokens);

// Takes due tokens; no other worker gets them for 5 minutes.
common::Result<std::vector<common::TokenId>> TakeDue(common::PgConnection& connection, int limit);

}  // namespace worker::store
