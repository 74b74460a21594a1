// From what the user typed to a fleet's settings.
#pragma once

#include <string>

#include "cli/fleet_settings.h"
#include "cli/options.h"
#include "cli/state_dir.h"

namespace cli {

inline constexpr int kDefaultWorkers = 4;

FleetSettings SettingsFrom(const Options& options, const StateDir& state);

// The state directory, or nothing after a line on stderr.
std::optional<StateDir> OpenState(const Options& options);

}  // namespace cli
