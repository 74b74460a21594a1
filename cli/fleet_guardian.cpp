#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/fleet_supervisor.h"
#include "common/logging.h"

namespace cli {
namespace {

constexpr std::chrono::milliseconds kGuardianTick(500);
constexpr int kSettleMs = 50;

std::optional<ProcessId> RestartSupervisor(const StateDir& state) {
  const common::Result<FleetSettings> settings = ReadFleetSettings(state);
  if (!settings) return std::nullopt;
  const common::Result<ProcessId> process = StartSupervisor(state, *settings);
  if (process) {
    common::LogWarning("supervisor_restarted", {{"pid", process->pid}});
  } else {
    common::LogError("start_failed", {{"why", process.error().message}});
    return std::nullopt;
  }
  return *process;
}

// Waits for the process's end, a signal, or one tick.
void Wait(const std::optional<ProcessId>& process, int signal_fd) {
  pollfd waited[2] = {{signal_fd, POLLIN, 0}, {process ? OpenPidFd(*process) : -1, POLLIN, 0}};
  const bool is_running = waited[1].fd >= 0;
  poll(waited, 2, is_running ? static_cast<int>(kGuardianTick.count()) : kSettleMs);
  if (is_running) close(waited[1].fd);
}

}  // namespace

std::optional<BoundAddresses> ReadBoundAddresses(const StateDir& state) {
  const nlohmann::json text =
      nlohmann::json::parse(ReadFile(state.coordinator()).value_or(""), nullptr, false);
  if (!text.is_object()) return std::nullopt;
  return BoundAddresses{text.value("listen", ""), text.value("http", ""), text.value("pid", 0)};
}

int RunGuardian(const StateDir& state) {
  const std::optional<FileLock> lock = FileLock::Try(state.lock("guardian"));
  if (!lock) return 0;
  common::Signals signals;
  std::optional<ProcessId> started;
  while (signals.Drain().stops == 0 && !ReadFile(state.stopping())) {
    std::optional<ProcessId> supervisor = ReadPidFile(state.pid_file("supervisor"));
    // It writes its pid file itself, once it is the only one; until then we know ours.
    if (!supervisor && started && IsAlive(*started)) supervisor = started;
    if (!supervisor) started = RestartSupervisor(state);
    Wait(supervisor ? supervisor : started, signals.fd());
    if (started) Reap(started->pid);
  }
  return 0;
}

}  // namespace cli
