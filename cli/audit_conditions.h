// Conditions audited: what all wallets traded in a market, beside what the Data API tells by
// condition, and the volume that Gamma states.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/second_view.h"
#include "common/error.h"
#include "common/postgres.h"

namespace cli {

struct ConditionFinding {
  std::string condition;
  ConditionCount ours;      // up to when its wallets were last looked for
  ConditionCount theirs;    // by the Data API
  std::int64_t usdc = 0;    // in millionths of a dollar, of all our trades
  std::int64_t volume = 0;  // Gamma's
  std::string trouble;      // why it could not be compared

  bool is_good() const;
};

// Conditions whose wallets are discovered, by chance.
common::Result<std::vector<std::string>> SampleConditions(common::PgConnection& connection,
                                                          int most);

// In the order of `conditions`, which are lower-case 0x text.
common::Result<std::vector<ConditionFinding>> CompareConditions(
    common::PgConnection& connection, const std::string& data_url, const std::string& gamma_url,
    const std::vector<std::string>& conditions);

}  // namespace cli
