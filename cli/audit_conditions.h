// Conditions audited: what all wallets traded in a market, beside the volume that Gamma states.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"

namespace cli {

struct ConditionFinding {
  std::string condition;
  std::int64_t trades = 0;
  std::int64_t ours = 0;    // in millionths of a dollar, of all wallets' trades
  std::int64_t theirs = 0;  // Gamma's volume
  std::string trouble;      // why it could not be compared

  bool is_good() const;
};

// Conditions whose wallets are discovered, by chance.
common::Result<std::vector<std::string>> SampleConditions(common::PgConnection& connection,
                                                          int most);

// In the order of `conditions`, which are lower-case 0x text.
common::Result<std::vector<ConditionFinding>> CompareConditions(
    common::PgConnection& connection, const std::string& gamma_url,
    const std::vector<std::string>& conditions);

}  // namespace cli
