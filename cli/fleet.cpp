#include "cli/fleet.h"

#include <thread>

#include <fmt/format.h>

#include "cli/admin_client.h"
#include "cli/embedded_postgres.h"
#include "cli/files.h"
#include "cli/fleet_keys.h"
#include "cli/fleet_supervisor.h"
#include "common/migrate.h"
#include "common/postgres.h"

namespace cli {
namespace {

using common::Error;
using common::ErrorKind;
using common::Status;

constexpr std::chrono::seconds kCoordinatorTimeout(60);
constexpr int kHopelessFailures = 4;

Status PrepareDatabase(const StateDir& state, const FleetSettings& settings, const Say& say) {
  if (settings.is_embedded()) return EmbeddedPostgres(state).Start(say);
  common::Result<common::PgConnection> connection = common::PgConnection::Open(settings.database);
  if (!connection) {
    return Error{connection.error().kind,
                 "the database cannot be reached: " + connection.error().message};
  }
  return common::Migrate(*connection);
}

// Why the coordinator will not come up; nothing while it may.
std::optional<std::string> Hopeless(const StateDir& state) {
  for (const ProgramState& program : ReadProgramStates(state)) {
    if (program.name != "coordinator") continue;
    if (!program.is_held && program.failures < kHopelessFailures) continue;
    return fmt::format("the coordinator does not start ({}): {} (the whole log: {})", program.note,
                       Tail(state.log("coordinator"), 1), state.log("coordinator").string());
  }
  return std::nullopt;
}

bool IsCoordinatorUp(const StateDir& state) {
  const std::optional<ProcessId> process = ReadPidFile(state.pid_file("coordinator"));
  const std::optional<BoundAddresses> bound = ReadBoundAddresses(state);
  return process && bound && bound->pid == process->pid && AdminClient(state).IsReady();
}

Status WaitForCoordinator(const StateDir& state, common::Signals& signals) {
  const auto give_up = std::chrono::steady_clock::now() + kCoordinatorTimeout;
  while (!IsCoordinatorUp(state)) {
    if (const auto why = Hopeless(state)) return Error{ErrorKind::kRejected, *why};
    if (signals.Drain(); signals.stops() > 0)
      return Error{ErrorKind::kRejected, "interrupted while starting"};
    if (std::chrono::steady_clock::now() >= give_up) {
      return Error{ErrorKind::kTransient, "the coordinator did not come up in 60 s; see " +
                                              state.log("coordinator").string()};
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  return common::Done{};
}

Status StartPrograms(const StateDir& state, const FleetSettings& settings, common::Signals& signals,
                     const Say& say) {
  const std::optional<FileLock> lock = FileLock::Wait(state.lock("control"));
  std::error_code failure;
  std::filesystem::remove(state.coordinator(), failure);
  std::filesystem::remove(state.programs(), failure);
  Status step = EnsureCoordinatorKeys(settings.keys);
  if (step) step = PrepareDatabase(state, settings, say);
  if (step) step = WriteFleetSettings(state, settings);
  if (step) {
    const common::Result<ProcessId> supervisor = StartSupervisor(state, settings);
    if (!supervisor) step = supervisor.error();
  }
  if (step) step = WaitForCoordinator(state, signals);
  return step;
}

}  // namespace

bool IsFleetUp(const StateDir& state) {
  return ReadPidFile(state.pid_file("supervisor")) || ReadPidFile(state.pid_file("coordinator"));
}

Status StartFleet(const StateDir& state, const FleetSettings& settings, common::Signals& signals,
                  const Say& say) {
  if (ReadFile(state.stopping())) {
    Status stopped = StopFleet(state, signals, true, say);
    if (!stopped) return stopped;
  }
  Status started = StartPrograms(state, settings, signals, say);
  if (!started) (void)StopFleet(state, signals, true, [](const std::string&) {});
  return started;
}

}  // namespace cli
