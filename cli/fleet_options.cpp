#include "cli/fleet_options.h"

#include <array>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "cli/fleet.h"
#include "cli/terminal.h"
#include "common/options.h"

namespace cli {
namespace {

using NamedUrl = std::pair<const char*, const std::string*>;

std::array<NamedUrl, 6> Urls(const Options& options) {
  return {
      NamedUrl{"gamma-url", &options.gamma_url}, NamedUrl{"data-url", &options.data_url},
      NamedUrl{"clob-url", &options.clob_url},   NamedUrl{"subgraph-url", &options.subgraph_url},
      NamedUrl{"rpc-url", &options.rpc_url},     NamedUrl{"dome-url", &options.dome_url}};
}

std::vector<std::string> Chosen(const Options& options) {
  std::vector<std::string> chosen;
  if (!options.rates.empty()) chosen.emplace_back("--rate");
  if (!options.schedule.empty()) chosen.emplace_back("--schedule");
  if (options.listen) chosen.emplace_back("--listen");
  if (options.keys) chosen.emplace_back("--keys");
  for (const auto& [option, url] : Urls(options)) {
    if (!url->empty()) chosen.push_back(std::string("--") + option);
  }
  return chosen;
}

}  // namespace

std::optional<FleetSettings> RunningSettings(const StateDir& state) {
  if (!IsFleetUp(state)) return std::nullopt;
  common::Result<FleetSettings> settings = ReadFleetSettings(state);
  if (!settings) return std::nullopt;
  return std::move(*settings);
}

std::string DatabaseOf(const Options& options, const StateDir& state) {
  if (options.database != "embedded") return options.database;
  const auto running = RunningSettings(state);
  return running ? running->database : options.database;
}

FleetSettings SettingsFrom(const Options& options, const StateDir& state) {
  FleetSettings settings;
  settings.database = options.database;
  settings.workers = options.workers.value_or(kDefaultWorkers);
  if (options.listen) settings.listen = *options.listen;
  if (!options.http.empty()) settings.http = options.http;
  settings.keys = options.keys.value_or(state.keys().string());
  for (const std::string& rate : options.rates) {
    settings.coordinator_arguments.insert(settings.coordinator_arguments.end(), {"--rate", rate});
  }
  for (const std::string& entry : options.schedule) {
    settings.coordinator_arguments.insert(settings.coordinator_arguments.end(),
                                          {"--schedule", entry});
  }
  for (const auto& [option, url] : Urls(options)) {
    if (!url->empty()) settings.environment[common::VariableFor(option)] = *url;
  }
  settings.environment["SEINE_LOG_LEVEL"] = options.log_level;
  settings.chosen = Chosen(options);
  const std::filesystem::path folder = ProgramFolder();
  settings.seine_program = (folder / "seine").string();
  settings.coordinator_program = (folder / "seine-coordinator").string();
  settings.worker_program = (folder / "seine-worker").string();
  return settings;
}

void TellUnheeded(const StateDir& state, const FleetSettings& wished) {
  const auto running = RunningSettings(state);
  if (!running) return;
  const std::vector<std::string> unheeded = Unheeded(*running, wished);
  if (unheeded.empty()) return;
  std::fprintf(stderr,
               "seine: the fleet that is up goes on with its own %s; `seine down` first to start "
               "one with yours\n",
               fmt::format("{}", fmt::join(unheeded, ", ")).c_str());
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
