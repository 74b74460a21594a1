// What an audit found, as lines for people or as JSON.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/audit_conditions.h"
#include "cli/audit_wallets.h"

namespace cli {

class AuditReport {
 public:
  // As JSON it is printed by Finish() alone; lines are printed at once.
  explicit AuditReport(bool is_json) : is_json_(is_json) {}

  void Add(const WalletFinding& finding);
  void Add(const ConditionFinding& finding);
  void Finish() const;

  std::int64_t wallets() const { return wallets_; }
  bool is_good() const { return wallets_ == good_wallets_ && conditions_ == good_conditions_; }

 private:
  const bool is_json_;
  std::int64_t wallets_ = 0;
  std::int64_t good_wallets_ = 0;
  std::int64_t conditions_ = 0;
  std::int64_t good_conditions_ = 0;
  std::vector<nlohmann::json> all_;
};

}  // namespace cli
