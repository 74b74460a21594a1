// From what the user typed to a fleet's settings.
#pragma once

#include <optional>
#include <string>

#include "cli/fleet_settings.h"
#include "cli/options.h"
#include "cli/state_dir.h"

namespace cli {

inline constexpr int kDefaultWorkers = 4;

// What the fleet that is up here was started with.
std::optional<FleetSettings> RunningSettings(const StateDir& state);

// Where a command that reads looks: in the database of the fleet that is up here, unless another
// than the embedded one was named.
std::string DatabaseOf(const Options& options, const StateDir& state);

FleetSettings SettingsFrom(const Options& options, const StateDir& state);

// Tells on stderr what of `wished` the fleet that is up here does not follow, if anything.
void TellUnheeded(const StateDir& state, const FleetSettings& wished);

// The state directory, or nothing after a line on stderr.
std::optional<StateDir> OpenState(const Options& options);

}  // namespace cli
