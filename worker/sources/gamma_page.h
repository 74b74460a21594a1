// Gamma's lists of markets, as /markets and /markets/keyset answer them.
#pragma once

#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/store/trade_store.h"

namespace worker::sources {

// Reads `[market, ...]` or `{"markets": [market, ...]}`. A market without a readable condition id,
// or whose lists of tokens and outcomes do not match, is left out; unknown keys are ignored and
// missing ones are normal. The tokens of a market are index-aligned with its outcomes: outcomes[i]
// belongs to clobTokenIds[i], whatever their names, and positionIds stand in where a Protocol V2
// market has no clobTokenIds. kTransient: not complete JSON, an error body, or no markets on a page
// that is not the last.
common::Result<std::vector<store::MarketInfo>> ParseGammaMarkets(std::string_view body);

}  // namespace worker::sources
