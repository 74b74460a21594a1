#include "cli/borrowed_fleet.h"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/files.h"
#include "cli/fleet.h"
#include "cli/fleet_options.h"

namespace cli {
namespace {

void SayLine(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

common::Status WriteOwner(const StateDir& state) {
  const std::optional<ProcessId> self = FindProcess(getpid());
  return WriteFile(state.owner(), fmt::format("{} {}\n", self->pid, self->started), 0644);
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
  return WriteOwner(state_);
}

void BorrowedFleet::Return() {
  if (!is_ours_) return;
  is_ours_ = false;
  const common::Status stopped = StopFleet(state_, signals_, false, SayLine);
  if (!stopped) SayLine("seine: " + stopped.error().message);
}

}  // namespace cli
