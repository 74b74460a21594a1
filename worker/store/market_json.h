// Events, markets and resolutions as the rows that market_statements.h takes: one JSON array for
// each statement, with texts that PostgreSQL accepts.
#pragma once

#include <map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/ids.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// What a market says of its event counts where the event does not come by itself.
nlohmann::json EventsOf(const std::vector<MarketInfo>& markets, const std::vector<EventInfo>& told);
nlohmann::json MarketsOf(const std::map<common::ConditionId, const MarketInfo*>& markets);
nlohmann::json ResolutionsOf(
    const std::map<common::ConditionId, const ResolvedMarket*>& resolutions);

}  // namespace worker::store
