// Keeps the programs of one fleet running: the database, the coordinator, the workers, and its own
// guardian.
//
// None of them is a parent whose death ends another: each has a session of its own and a pid file.
// A supervisor that starts after the former one was killed finds them by those files and goes on.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/embedded_postgres.h"
#include "cli/fleet_program.h"
#include "cli/fleet_settings.h"
#include "cli/fleet_wishes.h"
#include "cli/state_dir.h"
#include "common/signals.h"

namespace cli {

class FleetSupervisor {
 public:
  FleetSupervisor(const StateDir& state, FleetSettings settings);

  // Works until SIGTERM, and leaves everything running then: ending a fleet is StopFleet's job.
  // Returns at once if another supervisor is at work or the fleet is being stopped.
  int Run();

 private:
  FleetProgram& Program(const std::string& name, common::Instant now);
  void DecideWorkers(common::Instant now);
  void Watch(common::Instant now);
  void StartDue(common::Instant now);
  void StopUnwanted(common::Instant now);
  void ReleaseHeld(common::Instant now);
  void LookAfterGuardian(common::Instant now);
  void Report();
  void BoundLogs(common::Instant now);
  void Sleep(int signal_fd, common::Instant now) const;

  common::Result<ProcessId> Start(const std::string& name);
  common::Result<ProcessId> StartCoordinator();
  common::Result<ProcessId> StartWorker(const std::string& name);
  common::Result<ProcessId> StartGuardian();
  // Starts the audit whose time has come; one at a time.
  void LookAfterAudit(common::Instant now);
  LaunchOrder Order(const std::string& name, std::vector<std::string> arguments) const;

  const StateDir& state_;
  FleetSettings settings_;
  EmbeddedPostgres database_;
  std::map<std::string, FleetProgram> programs_;
  std::unique_ptr<FleetWishes> wishes_;
  std::string last_report_;
  common::Instant next_log_check_;
  std::optional<ProcessId> audit_;
  common::Instant next_audit_;
};

// Starts one, as a process of its own.
common::Result<ProcessId> StartSupervisor(const StateDir& state, const FleetSettings& settings);

// The addresses that the coordinator bound, from coordinator.json.
struct BoundAddresses {
  std::string listen;
  std::string http;
  int pid = 0;
};
std::optional<BoundAddresses> ReadBoundAddresses(const StateDir& state);

// Restarts a supervisor that was killed. Ends on SIGTERM, or when the fleet is being stopped.
int RunGuardian(const StateDir& state);

}  // namespace cli
