// The CLOB's word on one token and on one market.
#pragma once

#include <string_view>

#include "common/error.h"
#include "worker/store/trade_store.h"

namespace worker::sources {

// /markets-by-token/{token}: the condition the token belongs to. kTransient: anything else.
common::Result<common::ConditionId> ParseClobTokenMarket(std::string_view body);

// /markets/{condition}. It knows no event and no Gamma id; its first tag serves as category. Its
// outcomes, tokens and payouts are in its own order, which need not be Gamma's; a market of which a
// token is missing has none of them.
common::Result<store::MarketInfo> ParseClobMarket(std::string_view body);

}  // namespace worker::sources
