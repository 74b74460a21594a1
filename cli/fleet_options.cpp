#include "cli/fleet_options.h"

#include "cli/terminal.h"

namespace cli {

FleetSettings SettingsFrom(const Options& options, const StateDir& state) {
  FleetSettings settings;
  settings.database = options.database;
  settings.workers = options.workers.value_or(kDefaultWorkers);
  settings.listen = options.listen;
  if (!options.http.empty()) settings.http = options.http;
  settings.keys = options.keys.value_or(state.keys().string());
  for (const std::string& rate : options.rates) {
    settings.coordinator_arguments.insert(settings.coordinator_arguments.end(), {"--rate", rate});
  }
  for (const std::string& entry : options.schedule) {
    settings.coordinator_arguments.insert(settings.coordinator_arguments.end(),
                                          {"--schedule", entry});
  }
  const auto pass = [&](const char* variable, const std::string& value) {
    if (!value.empty()) settings.environment[variable] = value;
  };
  pass("SEINE_GAMMA_URL", options.gamma_url);
  pass("SEINE_DATA_URL", options.data_url);
  pass("SEINE_CLOB_URL", options.clob_url);
  pass("SEINE_SUBGRAPH_URL", options.subgraph_url);
  pass("SEINE_RPC_URL", options.rpc_url);
  pass("SEINE_DOME_URL", options.dome_url);
  pass("SEINE_LOG_LEVEL", options.log_level);
  const std::filesystem::path folder = ProgramFolder();
  settings.seine_program = (folder / "seine").string();
  settings.coordinator_program = (folder / "seine-coordinator").string();
  settings.worker_program = (folder / "seine-worker").string();
  return settings;
}

std::optional<StateDir> OpenState(const Options& options) {
  common::Result<StateDir> state = StateDir::Open(options.state_dir);
  if (!state) {
    Complain(kCannotStart, state.error().message);
    return std::nullopt;
  }
  return std::move(*state);
}

}  // namespace cli
