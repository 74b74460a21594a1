// How a stage of a run is planned and finished in PostgreSQL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "coordinator/ledger.h"

namespace coordinator {

// A run as it was asked for.
struct RunOrder {
  common::RunId run;
  std::string kind;
  std::string source;
  std::optional<std::string> selection;  // of wallets; nothing: all
  std::string state;
  std::vector<std::string> stages;
  int stage = 1;
  std::optional<std::int64_t> most_wallets;
  std::optional<std::int64_t> range_from;
  std::optional<std::int64_t> range_to;
  bool is_whole = false;  // a discovery of markets that have not moved, too

  const std::string& stage_name() const { return stages[static_cast<std::size_t>(stage - 1)]; }
  bool is_last_stage() const { return static_cast<std::size_t>(stage) >= stages.size(); }
};
// Locks the run. Nothing where there is no such run.
common::Result<std::optional<RunOrder>> LockRun(common::PgConnection& connection,
                                                common::RunId run);

// Cuts the run's present stage into chunks for a fleet of `workers`.
common::Status PlanStage(common::PgConnection& connection, const RunOrder& order, int workers);

// Goes on to the next stage, which is to be planned then. REQUIRES: there is one.
common::Status NextStage(common::PgConnection& connection, RunOrder& order);

// Counts what the stages so far have fetched and found.
common::Status CountStage(common::PgConnection& connection, common::RunId run);

}  // namespace coordinator
