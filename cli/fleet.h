// Starts and ends a whole fleet on this machine, for the commands.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/fleet_settings.h"
#include "cli/state_dir.h"
#include "common/error.h"
#include "common/signals.h"

namespace cli {

using Say = std::function<void(const std::string&)>;

// Database, coordinator and supervisor are up when this returns, and the workers are starting.
// What a stop that was interrupted left behind is ended first. After an Error nothing runs.
// REQUIRES: no fleet is up.
common::Status StartFleet(const StateDir& state, const FleetSettings& settings,
                          common::Signals& signals, const Say& say);

// Whether a supervisor or a coordinator of this state directory lives.
bool IsFleetUp(const StateDir& state);

// Ends the guardian, the supervisor, the workers, the coordinator and the embedded database, in
// this order, and leaves nothing behind; finding nothing is fine. Workers drain for up to 25 s,
// or not at all with `is_quick`; each further stop signal is quicker. Whatever way they end, the
// work is safe.
common::Status StopFleet(const StateDir& state, common::Signals& signals, bool is_quick,
                         const Say& say);

}  // namespace cli
