// What a running fleet was started with: kept in the state directory, for whoever comes next.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/process.h"
#include "cli/state_dir.h"
#include "common/error.h"

namespace cli {

struct FleetSettings {
  std::string database = "embedded";
  int workers = 0;
  // `workers` goes before what the coordinator remembers, until it has been told.
  bool tells_workers = true;
  std::string listen = "tcp://127.0.0.1:5600";
  std::string http = "127.0.0.1:8600";
  std::string keys;  // folder of CURVE keys; empty: none
  std::vector<std::string> coordinator_arguments;
  // SEINE_* variables of the coordinator and the workers: addresses may hold secrets, which do not
  // belong on a command line.
  std::map<std::string, std::string> environment;
  std::string seine_program;
  std::string coordinator_program;
  std::string worker_program;
  // Options whose values the user chose, as "--rate"; not kept.
  std::vector<std::string> chosen;

  bool is_embedded() const { return database == "embedded"; }
};

// Those of `wished.chosen` that `running` was started with other values of.
std::vector<std::string> Unheeded(const FleetSettings& running, const FleetSettings& wished);

common::Result<FleetSettings> ReadFleetSettings(const StateDir& state);
common::Status WriteFleetSettings(const StateDir& state, const FleetSettings& settings);

// The supervisor's view of one program, for `seine status`.
struct ProgramState {
  std::string name;
  int pid = 0;  // 0: not running
  int restarts = 0;
  int failures = 0;      // ends and failed starts in a row, each after a short life
  std::string note;      // why it is not running, or how it ended last
  bool is_held = false;  // not started again until somebody acts
};

std::vector<ProgramState> ReadProgramStates(const StateDir& state);
void WriteProgramStates(const StateDir& state, const std::vector<ProgramState>& programs);

}  // namespace cli
