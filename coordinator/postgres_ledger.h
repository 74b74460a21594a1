// The ledger in PostgreSQL.
//
// Every statement that writes asks for the term in the same transaction, by the database's clock.
// Connects by itself and again after every loss; each call is one transaction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "coordinator/ledger.h"

namespace coordinator {

class PostgresLedger final : public Ledger {
 public:
  // `holder` names this coordinator; a process that holds the state directory's lock may take over
  // at once from a dead one of the same name. `lease`: how long a term lasts without renewal.
  // `schedule`: set when a term begins; entries that it does not name stay as they are.
  PostgresLedger(std::string url, std::string holder,
                 common::Duration lease = std::chrono::seconds(15),
                 std::vector<ScheduleWish> schedule = {});

  common::Result<common::Term> HoldTerm(common::Term current) override;
  common::Result<LedgerAnswer> Perform(common::Term term, const LedgerRequest& request) override;

 private:
  common::Status Connect();
  // Locks the term's row against a change until the transaction ends.
  common::Status CheckTerm(common::Term term);
  void EndHolder(common::ChunkId chunk, common::Epoch epoch, bool lives);

  common::Result<LedgerAnswer> Do(common::Term term, const LoadRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const PlanRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const PrepareRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const GrantRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const FinishRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const ReclaimRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const SplitRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const CloseRunRequest& request);
  common::Result<LedgerAnswer> Do(common::Term term, const ScheduleRequest& request);

  const std::string url_;
  const std::string holder_;
  const common::Duration lease_;
  const std::vector<ScheduleWish> schedule_;
  std::optional<common::PgConnection> connection_;
};

}  // namespace coordinator
