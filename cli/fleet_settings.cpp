#include "cli/fleet_settings.h"

#include <nlohmann/json.hpp>

#include "cli/files.h"
#include "common/options.h"

namespace cli {
namespace {

using nlohmann::json;

json ToJson(const FleetSettings& settings) {
  return json{{"database", settings.database},
              {"workers", settings.workers},
              {"tells_workers", settings.tells_workers},
              {"listen", settings.listen},
              {"http", settings.http},
              {"keys", settings.keys},
              {"coordinator_arguments", settings.coordinator_arguments},
              {"environment", settings.environment},
              {"seine_program", settings.seine_program},
              {"coordinator_program", settings.coordinator_program},
              {"worker_program", settings.worker_program}};
}

FleetSettings FromJson(const json& text) {
  FleetSettings settings;
  settings.database = text.at("database");
  settings.workers = text.at("workers");
  settings.tells_workers = text.at("tells_workers");
  settings.listen = text.at("listen");
  settings.http = text.at("http");
  settings.keys = text.at("keys");
  settings.coordinator_arguments = text.at("coordinator_arguments").get<std::vector<std::string>>();
  settings.environment = text.at("environment").get<std::map<std::string, std::string>>();
  settings.seine_program = text.at("seine_program");
  settings.coordinator_program = text.at("coordinator_program");
  settings.worker_program = text.at("worker_program");
  return settings;
}

// What goes with `option`, each time that it stands there.
std::vector<std::string> Arguments(const FleetSettings& settings, const std::string& option) {
  const std::vector<std::string>& all = settings.coordinator_arguments;
  std::vector<std::string> found;
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
    if (all[i] == option) found.push_back(all[i + 1]);
  }
  return found;
}

std::string Variable(const FleetSettings& settings, const std::string& name) {
  const auto found = settings.environment.find(name);
  return found == settings.environment.end() ? "" : found->second;
}

bool AreAlike(const FleetSettings& one, const FleetSettings& other, const std::string& option) {
  if (option == "--listen") return one.listen == other.listen;
  if (option == "--keys") return one.keys == other.keys;
  if (option.ends_with("-url")) {
    const std::string variable = common::VariableFor(option.substr(2));
    return Variable(one, variable) == Variable(other, variable);
  }
  return Arguments(one, option) == Arguments(other, option);
}

}  // namespace

std::vector<std::string> Unheeded(const FleetSettings& running, const FleetSettings& wished) {
  std::vector<std::string> unheeded;
  for (const std::string& option : wished.chosen) {
    if (!AreAlike(running, wished, option)) unheeded.push_back(option);
  }
  return unheeded;
}

common::Result<FleetSettings> ReadFleetSettings(const StateDir& state) {
  const std::optional<std::string> text = ReadFile(state.settings());
  if (!text) {
    return common::Error{common::ErrorKind::kRejected,
                         "no fleet was started in " + state.root().string()};
  }
  try {
    return FromJson(json::parse(*text));
  } catch (const json::exception& failure) {
    return common::Error{common::ErrorKind::kMalformed, state.settings().string() +
                                                            " cannot be read (" + failure.what() +
                                                            "); run `seine down` and start again"};
  }
}

common::Status WriteFleetSettings(const StateDir& state, const FleetSettings& settings) {
  return WriteFile(state.settings(), ToJson(settings).dump(2) + "\n");
}

std::vector<ProgramState> ReadProgramStates(const StateDir& state) {
  std::vector<ProgramState> programs;
  const json all = json::parse(ReadFile(state.programs()).value_or("[]"), nullptr, false);
  if (!all.is_array()) return programs;
  for (const json& one : all) {
    programs.push_back({one.value("name", ""), one.value("pid", 0), one.value("restarts", 0),
                        one.value("failures", 0), one.value("note", ""), one.value("held", false)});
  }
  return programs;
}

void WriteProgramStates(const StateDir& state, const std::vector<ProgramState>& programs) {
  json all = json::array();
  for (const ProgramState& one : programs) {
    all.push_back({{"name", one.name},
                   {"pid", one.pid},
                   {"restarts", one.restarts},
                   {"failures", one.failures},
                   {"note", one.note},
                   {"held", one.is_held}});
  }
  // For people to look at; the next change writes it again.
  (void)WriteFile(state.programs(), all.dump(2) + "\n", 0644);
}

}  // namespace cli
