// The Data API's /resolutions: how markets ended, or how far they are on the way to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "worker/http.h"
#include "worker/store/market_info.h"

namespace worker::sources {

// The upstream takes no more in one request.
inline constexpr std::size_t kMostResolutions = 20;

struct ResolutionRow {
  common::ConditionId condition;
  std::string status;  // "resolved", "proposed", "disputed", ...
  std::optional<store::Resolution> resolution;
  bool has_bad_payouts = false;  // it is resolved, but nobody could be paid by what it says
};

// REQUIRES: 1 to kMostResolutions conditions.
HttpRequest ResolutionsRequest(const std::string& data_url,
                               const std::vector<common::ConditionId>& conditions);

// What is known of the conditions that were asked for; one that is not known has no row.
// kTransient: an error body, no complete JSON, or a row that was not asked for. kMalformed: a row
// lacks its condition or its status.
common::Result<std::vector<ResolutionRow>> ParseResolutions(
    const std::vector<common::ConditionId>& conditions, std::string_view body);

}  // namespace worker::sources
