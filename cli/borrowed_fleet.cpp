#include "cli/borrowed_fleet.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/files.h"
#include "cli/fleet.h"
#include "cli/fleet_options.h"
#include "cli/status_reply.h"
#include "cli/terminal.h"

namespace cli {
namespace {

common::Status WriteOwner(const StateDir& state) {
  const std::optional<ProcessId> self = FindProcess(getpid());
  return WriteFile(state.owner(), fmt::format("{} {}\n", self->pid, self->started), 0644);
}

// A pause and stopped workers outlive the fleet that they were meant for. If this fails, who
// follows a run says what it waits for.
void SetToWork(const StateDir& state, int workers) {
  constexpr std::chrono::seconds kPatience(10);
  const AdminClient client(state);
  (void)client.PostPatiently("/api/admin/resume", "{}", kPatience);
  const auto body = client.GetPatiently("/api/status", kPatience);
  const auto status = body ? ParseStatus(*body) : common::Result<StatusReply>(body.error());
  if (!status) return;
  for (int i = 1; i <= workers; ++i) {
    const std::string id = fmt::format("worker-{}", i);
    if (std::find(status->stopped.begin(), status->stopped.end(), id) == status->stopped.end()) {
      continue;
    }
    (void)client.PostPatiently("/api/admin/workers/" + id + "/restart", "{}", kPatience);
  }
}

}  // namespace

BorrowedFleet::~BorrowedFleet() {
  Return();
}

common::Status BorrowedFleet::Borrow(const FleetSettings& settings, const std::string& http) {
  if (IsFleetUp(state_)) {
    TellUnheeded(state_, settings);
    const bool is_orphan = ReadFile(state_.owner()) && !ReadPidFile(state_.owner());
    if (is_orphan) is_ours_ = WriteOwner(state_).has_value();
    return common::Done{};
  }
  if (!http.empty() && AdminClient(state_, http).IsUp()) return common::Done{};
  is_ours_ = true;  // Whatever is up from here on is ours to end.
  common::Status started = StartFleet(state_, settings, signals_, SayLine);
  if (!started) {
    is_ours_ = false;
    return started;
  }
  if (settings.workers > 0) SetToWork(state_, settings.workers);
  return WriteOwner(state_);
}

void BorrowedFleet::Return() {
  if (!is_ours_) return;
  is_ours_ = false;
  const common::Status stopped = StopFleet(state_, signals_, false, SayLine);
  if (!stopped) SayLine("seine: " + stopped.error().message);
}

}  // namespace cli
