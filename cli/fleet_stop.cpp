#include <algorithm>
#include <csignal>
#include <vector>

#include <fmt/format.h>
#include <poll.h>

#include "cli/embedded_postgres.h"
#include "cli/files.h"
#include "cli/fleet.h"
#include "cli/fleet_program.h"
#include "cli/format.h"
#include "cli/process.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kCoordinatorTime(10);
constexpr seconds kSupervisorTime(5);

void End(const std::optional<ProcessId>& process, common::Duration patience) {
  if (!process) return;
  SendSignal(*process, SIGTERM);
  if (WaitForEnd(*process, patience)) return;
  SendSignal(*process, SIGKILL);
  WaitForEnd(*process, kSupervisorTime);
}

std::vector<ProcessId> LivingWorkers(const StateDir& state) {
  std::vector<ProcessId> workers;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(state.fleet(), failure)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("worker-") || entry.path().extension() != ".pid") continue;
    if (const auto process = ReadPidFile(entry.path())) workers.push_back(*process);
  }
  return workers;
}

void Drop(std::vector<ProcessId>& workers) {
  std::erase_if(workers, [](const ProcessId& worker) {
    Reap(worker.pid);
    return !IsAlive(worker);
  });
}

// Waits until all have ended, the time is over, or another stop signal asks for haste.
void WaitForWorkers(std::vector<ProcessId>& workers, common::Duration patience,
                    common::Signals& signals) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (true) {
    Drop(workers);
    if (workers.empty() || std::chrono::steady_clock::now() >= give_up) return;
    pollfd waited{signals.fd(), POLLIN, 0};
    poll(&waited, 1, static_cast<int>(kPollInterval.count()));
    if (signals.Drain().stops > 0) return;
  }
}

void EndWorkers(const StateDir& state, common::Signals& signals, bool is_quick, const Say& say) {
  std::vector<ProcessId> workers = LivingWorkers(state);
  if (workers.empty()) return;
  const auto tell = [&workers](int signal) {
    for (const ProcessId& worker : workers) SendSignal(worker, signal);
  };
  if (!is_quick) {
    say("draining " + Plural(static_cast<std::int64_t>(workers.size()), "worker") +
        "; Ctrl-C once more to be quick");
  }
  tell(SIGTERM);
  if (!is_quick) WaitForWorkers(workers, kDrainTime, signals);
  if (is_quick) WaitForWorkers(workers, milliseconds(100), signals);
  tell(SIGTERM);  // The second one asks a worker to be quick.
  WaitForWorkers(workers, kQuickTime, signals);
  tell(SIGKILL);
  WaitForWorkers(workers, kSupervisorTime, signals);
}

void Forget(const StateDir& state) {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(state.fleet(), failure)) {
    const std::string end = entry.path().extension().string();
    if (end == ".pid" || end == ".new" || end == ".release") {
      std::filesystem::remove(entry.path(), failure);
    }
  }
  for (const auto& path : {state.programs(), state.settings(), state.coordinator()}) {
    std::filesystem::remove(path, failure);
  }
  std::filesystem::remove(state.stopping(), failure);
}

}  // namespace

common::Status StopFleet(const StateDir& state, common::Signals& signals, bool is_quick,
                         const Say& say) {
  const std::optional<FileLock> lock = FileLock::Wait(state.lock("control"));
  // From here on nobody starts anything, also if we are killed before the end.
  common::Status marked = WriteFile(state.stopping(), "");
  if (!marked) return marked;
  End(ReadPidFile(state.pid_file("guardian")), kSupervisorTime);
  End(ReadPidFile(state.pid_file("supervisor")), kSupervisorTime);
  End(ReadPidFile(state.pid_file("guardian")), kSupervisorTime);
  EndWorkers(state, signals, is_quick, say);
  End(ReadPidFile(state.pid_file("coordinator")), kCoordinatorTime);
  EmbeddedPostgres database(state);
  if (database.is_made()) {
    common::Status stopped = database.Stop();
    if (!stopped) return stopped;
  }
  Forget(state);
  return common::Done{};
}

}  // namespace cli
