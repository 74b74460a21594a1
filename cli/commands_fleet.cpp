#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/fleet.h"
#include "cli/fleet_options.h"
#include "cli/fleet_supervisor.h"
#include "cli/format.h"
#include "cli/screen.h"
#include "cli/status_reply.h"
#include "cli/terminal.h"

namespace cli {
namespace {

int StopAndSay(const StateDir& state, common::Signals& signals, bool is_quick) {
  const common::Status stopped = StopFleet(state, signals, is_quick, SayLine);
  if (!stopped) return Complain(kCannotStart, stopped.error().message);
  SayLine("Everything is stopped.");
  return kDone;
}

// Until a stop signal.
void WatchLive(const StateDir& state, common::Signals& signals, const std::string& last_line) {
  const AdminClient client(state);
  std::optional<WholeScreen> screen;
  if (IsTerminal(STDOUT_FILENO)) screen.emplace();
  while (signals.Drain().stops == 0) {
    if (screen) {
      Overview overview = LookAround(state, client);
      overview.lines.emplace_back();
      overview.lines.push_back(Dim(last_line));
      screen->Show(overview.lines);
    }
    pollfd waited{signals.fd(), POLLIN, 0};
    poll(&waited, 1, screen ? kRefreshMs : -1);
  }
}

// So that who types `seine status` next sees the workers that were asked for. A worker that cannot
// start is the supervisor's business, so nobody waits for it without end.
void AwaitWorkers(const AdminClient& client, int workers, common::Signals& signals) {
  constexpr int kPollMs = 50;
  constexpr int kPolls = 200;
  for (int i = 0; i < kPolls && signals.stops() == 0; ++i) {
    const common::Result<std::string> body = client.Get("/api/status");
    const auto status = body ? ParseStatus(*body) : common::Result<StatusReply>(body.error());
    if (status && status->live >= workers) return;
    pollfd waited{signals.fd(), POLLIN, 0};
    poll(&waited, 1, kPollMs);
  }
}

// Of a fleet that is up already, only the number of workers can be changed.
int UpAgain(const Options& options, const StateDir& state, common::Signals& signals) {
  SayLine("A fleet is already up in " + state.root().string() + ".");
  TellUnheeded(state, SettingsFrom(options, state));
  if (options.workers) {
    const int code = Scale(options);
    if (code != kDone) return code;
  }
  if (options.is_detached || !IsTerminal(STDOUT_FILENO)) return kDone;
  WatchLive(state, signals, "Ctrl-C leaves this view; the fleet goes on until `seine down`.");
  return kDone;
}

bool Release(const StateDir& state, const std::string& id) {
  for (const ProgramState& program : ReadProgramStates(state)) {
    if (program.name != id || !program.is_held) continue;
    return WriteFile(state.fleet() / (id + ".release"), "").has_value();
  }
  return false;
}

int WorkerAction(const Options& options, const char* action, const char* said) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  // One that is held for its exit code is not connected; the supervisor alone can help it.
  const bool is_released = Release(*state, options.id);
  const AdminClient client(*state, options.http);
  const auto answer =
      client.Post(fmt::format("/api/admin/workers/{}/{}", options.id, action), "{}");
  const bool is_refused = !answer && answer.error().kind == common::ErrorKind::kRejected;
  if (!answer && !(is_refused && is_released)) {
    const bool is_away = answer.error().kind == common::ErrorKind::kTransient;
    return Complain(is_away ? kNoFleet : kCannotStart, answer.error().message);
  }
  Print(options.id + " " + said);
  return kDone;
}

}  // namespace

int Up(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  common::Signals signals;
  if (IsFleetUp(*state)) return UpAgain(options, *state, signals);
  const FleetSettings settings = SettingsFrom(options, *state);
  const common::Status started = StartFleet(*state, settings, signals, SayLine);
  if (!started) {
    return Complain(signals.stops() > 0 ? kInterrupted : kCannotStart, started.error().message);
  }
  const AdminClient client(*state);
  AwaitWorkers(client, settings.workers, signals);
  SayLine(fmt::format("Up: coordinator at http://{}, {}, logs in {}.", client.address(),
                      Plural(settings.workers, "worker"), (state->root() / "logs").string()));
  if (options.is_detached) return kDone;
  WatchLive(*state, signals, "Ctrl-C drains and stops everything.");
  return StopAndSay(*state, signals, false);
}

int Down(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  common::Signals signals;
  return StopAndSay(*state, signals, false);
}

int Scale(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const AdminClient client(*state, options.http);
  const auto answer =
      client.Post("/api/admin/scale", fmt::format("{{\"workers\":{}}}", *options.workers));
  if (!answer) {
    const bool is_away = answer.error().kind == common::ErrorKind::kTransient;
    return Complain(is_away ? kNoFleet : kCannotStart, answer.error().message);
  }
  SayLine("The fleet becomes " + Plural(*options.workers, "worker") + ".");
  return kDone;
}

int RestartWorker(const Options& options) {
  return WorkerAction(options, "restart", "gives its work back and starts anew.");
}

int KillWorker(const Options& options) {
  return WorkerAction(options, "kill", "ends at once and starts anew.");
}

int DrainWorker(const Options& options) {
  return WorkerAction(options, "drain",
                      "finishes its work and ends; `seine worker restart` brings it back.");
}

int SuperviseFleet(const Options& options) {
  RememberEndedChildren();
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  common::Result<FleetSettings> settings = ReadFleetSettings(*state);
  if (!settings) return Complain(kCannotStart, settings.error().message);
  return FleetSupervisor(*state, std::move(*settings)).Run();
}

int GuardSupervisor(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  return RunGuardian(*state);
}

}  // namespace cli
