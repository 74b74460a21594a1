#include "cli/fleet_program.h"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

#include "common/check.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFirstDelay(200);
constexpr seconds kLongestDelay(5);
constexpr seconds kLongEnough(10);

// Why another start is pointless; nothing where it may help.
const char* ReasonToHold(int code) {
  switch (code) {
    case 2:
      return "it refuses its options (exit 2)";
    case 77:
      return "its key is not authorised (exit 77)";
    case 78:
      return "a newer process has its id (exit 78)";
    default:
      return nullptr;
  }
}

}  // namespace

void FleetProgram::Started(const ProcessId& process, common::Instant now) {
  process_ = process;
  started_at_ = now;
  stop_signals_ = 0;
  if (has_run_) ++restarts_;
  has_run_ = true;
  is_held_ = false;
}

void FleetProgram::Delay(common::Instant now) {
  common::Duration delay{};
  if (quick_ends_ > 0) {
    delay = std::min<common::Duration>(kLongestDelay,
                                       kFirstDelay * (1 << std::min(quick_ends_ - 1, 10)));
  }
  ++quick_ends_;
  next_start_ = now + delay;
}

void FleetProgram::Ended(std::optional<int> code, common::Instant now) {
  process_.reset();
  if (now - started_at_ >= kLongEnough) quick_ends_ = 0;
  Delay(now);
  note_ = "ended while nobody watched";
  if (!code) return;
  note_ = *code > 128 ? fmt::format("ended by signal {}", *code - 128)
                      : fmt::format("ended with exit code {}", *code);
  if (const char* reason = ReasonToHold(*code)) {
    is_held_ = true;
    note_ = fmt::format("not started again: {}", reason);
  }
}

void FleetProgram::StartFailed(const std::string& why, common::Instant now) {
  note_ = why;
  quick_ends_ = std::max(quick_ends_, 1);
  Delay(now);
}

void FleetProgram::Want(bool is_wanted) {
  if (is_wanted && !is_wanted_) {
    is_held_ = false;
    quick_ends_ = 0;
  }
  is_wanted_ = is_wanted;
}

void FleetProgram::Release(common::Instant now) {
  is_held_ = false;
  quick_ends_ = 0;
  next_start_ = now;
}

bool FleetProgram::IsDue(common::Instant now) const {
  return is_wanted_ && !is_held_ && !process_ && now >= next_start_;
}

std::optional<int> FleetProgram::NextStopSignal(common::Instant now) {
  CHECK(process_ && !is_wanted_);
  if (stop_signals_ > 0 && now < next_stop_signal_) return std::nullopt;
  ++stop_signals_;
  next_stop_signal_ = now + (stop_signals_ == 1 ? kDrainTime : kQuickTime);
  return stop_signals_ <= 2 ? SIGTERM : SIGKILL;
}

}  // namespace cli
