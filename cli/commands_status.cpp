#include <cstdio>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/run_command.h"
#include "cli/screen.h"
#include "cli/terminal.h"
#include "common/signals.h"

namespace cli {
namespace {

constexpr char kRunsPath[] = "/api/runs?limit=20";

void PrintJson(const std::string& body) {
  std::fwrite(body.data(), 1, body.size(), stdout);
  if (!body.ends_with('\n')) std::fputc('\n', stdout);
}

// The coordinator's status, and the supervisor's programs beside it.
int PrintStatusJson(const StateDir& state, const AdminClient& client) {
  const auto body = client.Get("/api/status");
  if (!body) return FailedCall(body.error());
  nlohmann::json all = nlohmann::json::parse(*body, nullptr, false);
  if (!all.is_object()) return Complain(kCannotStart, "the coordinator's answer is not JSON");
  all["programs"] = nlohmann::json::array();
  for (const ProgramState& program : ReadProgramStates(state)) {
    all["programs"].push_back({{"name", program.name},
                               {"pid", program.pid},
                               {"restarts", program.restarts},
                               {"note", program.note},
                               {"held", program.is_held}});
  }
  PrintJson(all.dump(2));
  return kDone;
}

int WatchStatus(const StateDir& state, const AdminClient& client) {
  common::Signals signals;
  WholeScreen screen;
  while (signals.Drain().stops == 0) {
    screen.Show(LookAround(state, client).lines);
    pollfd waited{signals.fd(), POLLIN, 0};
    poll(&waited, 1, kRefreshMs);
  }
  return kDone;
}

}  // namespace

int ShowStatus(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const AdminClient client(*state, options.http);
  if (options.is_json) return PrintStatusJson(*state, client);
  if (options.is_watching && IsTerminal(STDOUT_FILENO)) return WatchStatus(*state, client);
  const Overview overview = LookAround(*state, client);
  if (overview.is_answered) {
    Print(overview.lines);
    return kDone;
  }
  const int code = overview.is_away ? kNoFleet : kCannotStart;
  Complain(code, overview.lines.front());
  Print(std::vector<std::string>(overview.lines.begin() + 1, overview.lines.end()));
  return code;
}

int ShowWorkers(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const auto body = AdminClient(*state, options.http).Get("/api/workers");
  if (!body) return FailedCall(body.error());
  if (options.is_json) {
    PrintJson(*body);
    return kDone;
  }
  const auto workers = ParseWorkers(*body);
  if (!workers) return FailedCall(workers.error());
  Print(WorkerLines(*workers));
  return kDone;
}

int ShowRuns(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const auto body = AdminClient(*state, options.http).Get(kRunsPath);
  if (!body) return FailedCall(body.error());
  if (options.is_json) {
    PrintJson(*body);
    return kDone;
  }
  const auto runs = ParseRuns(*body);
  if (!runs) return FailedCall(runs.error());
  Print(RunsLines(*runs));
  return kDone;
}

}  // namespace cli
