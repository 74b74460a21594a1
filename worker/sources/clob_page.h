// The CLOB's word on one token and on one market.
#pragma once

#include <string_view>

#include "common/error.h"
#include "worker/store/trade_store.h"

namespace worker::sources {

// /markets-by-token/{token}: the condition the token belongs to. kTransient: anything else.
common::Result<common::ConditionId> ParseClobTokenMarket(std::string_view body);

// /markets/{condition}. It knows no event and no Gamma id; its first tag serves as category.
common::Result<store::MarketInfo> ParseClobMarket(std::string_view body);

}  // namespace worker::sources
