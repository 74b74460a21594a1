#include "cli/fleet_supervisor.h"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/fleet_keys.h"
#include "cli/log_bound.h"
#include "common/logging.h"

namespace cli {
namespace {

using common::Instant;
using common::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSupervisorTick(200);
constexpr seconds kLogInterval(5);
constexpr char kDatabase[] = "database";
constexpr char kCoordinator[] = "coordinator";
constexpr char kGuardian[] = "guardian";
constexpr char kWorkerPrefix[] = "worker-";

constexpr seconds kAuditInterval(30);
constexpr int kAuditSample = 100;

bool IsWorker(const std::string& name) {
  return name.starts_with(kWorkerPrefix);
}

bool EndsWithPortZero(const std::string& address) {
  return address.ends_with(":0");
}

}  // namespace

FleetSupervisor::FleetSupervisor(const StateDir& state, FleetSettings settings)
    : state_(state), settings_(std::move(settings)), database_(state) {}

int FleetSupervisor::Run() {
  const std::optional<FileLock> lock = FileLock::Try(state_.lock("supervisor"));
  if (!lock || ReadFile(state_.stopping())) return 0;
  common::Signals signals;
  const std::optional<ProcessId> self = FindProcess(getpid());
  (void)WriteFile(state_.pid_file("supervisor"), fmt::format("{} {}\n", self->pid, self->started),
                  0644);
  common::LogInfo("supervisor_started", {{"state_dir", state_.root().string()}});
  const common::SystemClock clock;
  const Instant start = clock.Now();
  if (settings_.is_embedded()) Program(kDatabase, start);
  Program(kCoordinator, start);
  for (const auto& entry : std::filesystem::directory_iterator(state_.fleet())) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".pid" && IsWorker(name)) Program(name, start).Want(false);
  }
  std::optional<int> tell;
  if (settings_.tells_workers) tell = settings_.workers;
  wishes_ = std::make_unique<FleetWishes>(state_, tell);
  while (signals.Drain().stops == 0) {
    const Instant now = clock.Now();
    Watch(now);
    DecideWorkers(now);
    ReleaseHeld(now);
    if (!ReadFile(state_.stopping())) {
      StartDue(now);
      LookAfterGuardian(now);
      LookAfterAudit(now);
    }
    StopUnwanted(now);
    Report();
    BoundLogs(now);
    Sleep(signals.fd(), clock.Now());
  }
  common::LogInfo("supervisor_ended");
  return 0;
}

// A program that already runs when it is first heard of is adopted.
FleetProgram& FleetSupervisor::Program(const std::string& name, Instant now) {
  const auto [at, is_new] = programs_.try_emplace(name, name, now);
  if (is_new) {
    const auto process = name == kDatabase ? database_.Find() : ReadPidFile(state_.pid_file(name));
    if (process) {
      at->second.Started(*process, now);
      common::LogInfo("adopted", {{"program", name}, {"pid", process->pid}});
    }
  }
  return at->second;
}

void FleetSupervisor::DecideWorkers(Instant now) {
  const std::shared_ptr<const FleetWish> wish = wishes_->Get();
  if (wish != nullptr && (wish->workers != settings_.workers || settings_.tells_workers)) {
    settings_.workers = wish->workers;
    settings_.tells_workers = false;
    (void)WriteFleetSettings(state_, settings_);
  }
  std::vector<std::string> wanted;
  for (int i = 1; i <= settings_.workers; ++i) {
    std::string name = kWorkerPrefix + std::to_string(i);
    const bool is_stopped = wish != nullptr && std::find(wish->stopped.begin(), wish->stopped.end(),
                                                         name) != wish->stopped.end();
    if (!is_stopped) wanted.push_back(std::move(name));
  }
  for (const std::string& name : wanted) Program(name, now);
  for (auto& [name, program] : programs_) {
    if (!IsWorker(name)) continue;
    program.Want(std::find(wanted.begin(), wanted.end(), name) != wanted.end());
  }
  std::erase_if(programs_, [](const auto& entry) {
    return IsWorker(entry.first) && !entry.second.is_wanted() && !entry.second.process();
  });
}

void FleetSupervisor::Watch(Instant now) {
  for (auto& [name, program] : programs_) {
    if (!program.process()) continue;
    const ProcessId process = *program.process();
    const std::optional<int> code = Reap(process.pid);
    if (!code && IsAlive(process)) continue;
    program.Ended(code, now);
    std::error_code failure;
    std::filesystem::remove(state_.pid_file(name), failure);
    common::LogWarning("program_ended",
                       {{"program", name}, {"pid", process.pid}, {"note", program.note()}});
  }
}

void FleetSupervisor::StartDue(Instant now) {
  for (auto& [name, program] : programs_) {
    if (!program.IsDue(now)) continue;
    const Result<ProcessId> process = Start(name);
    if (process) {
      program.Started(*process, now);
      common::LogInfo("program_started", {{"program", name}, {"pid", process->pid}});
    } else {
      program.StartFailed(process.error().message, now);
      common::LogWarning("start_failed", {{"program", name}, {"why", process.error().message}});
    }
  }
}

void FleetSupervisor::StopUnwanted(Instant now) {
  for (auto& [name, program] : programs_) {
    if (program.is_wanted() || !program.process()) continue;
    if (const std::optional<int> signal = program.NextStopSignal(now)) {
      SendSignal(*program.process(), *signal);
      common::LogInfo("program_told_to_end", {{"program", name}, {"signal", *signal}});
    }
  }
}

void FleetSupervisor::ReleaseHeld(Instant now) {
  for (auto& [name, program] : programs_) {
    if (!program.is_held()) continue;
    std::error_code failure;
    if (std::filesystem::remove(state_.fleet() / (name + ".release"), failure)) {
      program.Release(now);
    }
  }
}

void FleetSupervisor::LookAfterGuardian(Instant now) {
  Program(kGuardian, now);
}

LaunchOrder FleetSupervisor::Order(const std::string& name,
                                   std::vector<std::string> arguments) const {
  LaunchOrder order;
  order.arguments = std::move(arguments);
  order.log = state_.log(name);
  order.pid_file = state_.pid_file(name);
  for (const auto& variable : settings_.environment) order.environment.emplace_back(variable);
  order.environment.emplace_back("SEINE_STATE_DIR", state_.root().string());
  order.environment.emplace_back("SEINE_DATABASE", settings_.database);
  order.environment.emplace_back("SEINE_KEYS", settings_.keys);
  return order;
}

Result<ProcessId> FleetSupervisor::Start(const std::string& name) {
  if (name == kDatabase) return database_.Launch();
  if (name == kCoordinator) return StartCoordinator();
  if (name == kGuardian) return StartGuardian();
  return StartWorker(name);
}

// A coordinator that was given port 0 keeps the port that it got the first time: its workers, and
// people, know it.
Result<ProcessId> FleetSupervisor::StartCoordinator() {
  const std::optional<BoundAddresses> bound = ReadBoundAddresses(state_);
  std::string listen = settings_.listen;
  std::string http = settings_.http;
  if (bound && EndsWithPortZero(listen)) listen = bound->listen;
  if (bound && EndsWithPortZero(http)) http = bound->http;
  std::vector<std::string> arguments{settings_.coordinator_program, "--listen", listen, "--http",
                                     http};
  arguments.insert(arguments.end(), settings_.coordinator_arguments.begin(),
                   settings_.coordinator_arguments.end());
  return Launch(Order(kCoordinator, std::move(arguments)));
}

Result<ProcessId> FleetSupervisor::StartWorker(const std::string& name) {
  std::string connect = settings_.listen;
  if (EndsWithPortZero(connect)) {
    const std::optional<BoundAddresses> bound = ReadBoundAddresses(state_);
    if (!bound) {
      return common::Error{common::ErrorKind::kTransient, "waits for the coordinator"};
    }
    connect = bound->listen;
  }
  const common::Status key = EnsureWorkerKey(settings_.keys, name);
  if (!key) return key.error();
  return Launch(
      Order(name, {settings_.worker_program, "--id", name, "--connect", Reachable(connect)}));
}

Result<ProcessId> FleetSupervisor::StartGuardian() {
  return Launch(Order(kGuardian, {settings_.seine_program, "--state-dir", state_.root().string(),
                                  "guard-supervisor"}));
}

// It claims its time itself, so another start in between does nothing.
void FleetSupervisor::LookAfterAudit(Instant now) {
  if (audit_ && (Reap(audit_->pid) || !IsAlive(*audit_))) audit_.reset();
  const std::shared_ptr<const FleetWish> wish = wishes_->Get();
  if (audit_ || wish == nullptr || !wish->is_audit_due || now < next_audit_) return;
  next_audit_ = now + kAuditInterval;
  const Result<ProcessId> process =
      Launch(Order("audit", {settings_.seine_program, "audit", "--scheduled", "--sample",
                             std::to_string(kAuditSample)}));
  if (process) audit_ = *process;
}

void FleetSupervisor::Report() {
  std::vector<ProgramState> states;
  std::string text;
  for (const auto& [name, program] : programs_) {
    ProgramState one;
    one.name = name;
    one.pid = program.process() ? program.process()->pid : 0;
    one.restarts = program.restarts();
    one.failures = program.failures();
    one.note = program.note();
    one.is_held = program.is_held();
    text += fmt::format("{} {} {} {} {} {}\n", name, one.pid, one.restarts, one.failures, one.note,
                        one.is_held);
    states.push_back(std::move(one));
  }
  if (text == last_report_) return;
  last_report_ = std::move(text);
  WriteProgramStates(state_, states);
}

void FleetSupervisor::BoundLogs(Instant now) {
  if (now < next_log_check_) return;
  next_log_check_ = now + kLogInterval;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(state_.root() / "logs", failure)) {
    if (entry.path().extension() == ".log") BoundLog(entry.path(), kMaxLogBytes);
  }
  BoundLog(database_.log(), kMaxLogBytes);
}

// Until a program ends, a signal comes, or a start is due; at most one tick.
void FleetSupervisor::Sleep(int signal_fd, Instant now) const {
  std::vector<pollfd> waited{{signal_fd, POLLIN, 0}};
  common::Duration longest = kSupervisorTick;
  for (const auto& [name, program] : programs_) {
    if (!program.process()) {
      if (program.is_wanted() && !program.is_held()) {
        longest = std::min(longest, std::max(program.next_start() - now, common::Duration(0)));
      }
      continue;
    }
    const int fd = OpenPidFd(*program.process());
    if (fd < 0) longest = milliseconds(0);  // It has just ended.
    if (fd >= 0) waited.push_back({fd, POLLIN, 0});
  }
  const auto longest_ms = std::chrono::ceil<milliseconds>(longest).count();
  poll(waited.data(), waited.size(), static_cast<int>(longest_ms));
  for (std::size_t i = 1; i < waited.size(); ++i) close(waited[i].fd);
}

Result<ProcessId> StartSupervisor(const StateDir& state, const FleetSettings& settings) {
  LaunchOrder order;
  order.arguments = {settings.seine_program, "--state-dir", state.root().string(),
                     "supervise-fleet"};
  order.log = state.log("supervisor");
  return Launch(order);
}

}  // namespace cli
