#include <csignal>

#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "proto/keys.h"

namespace cli {
namespace {

proto::KeyFolder Folder(const Options& options, const StateDir& state) {
  return proto::KeyFolder(options.keys.value_or(state.keys().string()));
}

// A coordinator of this state directory reads its list of authorised keys anew.
void TellCoordinator(const StateDir& state) {
  if (const auto process = ReadPidFile(state.pid_file("coordinator"))) {
    SendSignal(*process, SIGHUP);
  }
}

}  // namespace

int InitKeys(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const proto::KeyFolder folder = Folder(options, *state);
  const common::Status made = folder.Init();
  if (!made) return Complain(kCannotStart, made.error().message);
  Print("The coordinator's keys are in " + folder.path().string() +
        "; copy coordinator.pub to every worker's host.");
  return kDone;
}

int AddWorkerKey(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const proto::KeyFolder folder = Folder(options, *state);
  const common::Status added = folder.AddWorker({options.id});
  if (!added) return Complain(kCannotStart, added.error().message);
  TellCoordinator(*state);
  Print(options.id + " is authorised. On another host it needs " +
        (folder.path() / "workers" / (options.id + ".key")).string() + " and coordinator.pub.");
  return kDone;
}

int RevokeWorkerKey(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const common::Status revoked = Folder(options, *state).Revoke({options.id});
  if (!revoked) return Complain(kCannotStart, revoked.error().message);
  TellCoordinator(*state);
  Print(options.id + " is let in no more.");
  return kDone;
}

}  // namespace cli
