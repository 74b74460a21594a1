// What the stages of a run consist of, besides wallets.
#pragma once

#include <vector>

#include "common/postgres.h"
#include "coordinator/plans/units.h"
#include "coordinator/postgres_stages.h"

namespace coordinator {

struct StageUnits {
  std::vector<plans::UnitLoad> loads;
  std::vector<WalletFailure> quarantined;
};

// The units of the stage under way, made or taken again for this run.
common::Result<StageUnits> UnitsOf(common::PgConnection& connection, const RunOrder& order);

}  // namespace coordinator
