// Places where a test may break the process: `if (common::Failpoint("after_commit")) return ...`.
//
// Off by default; armed by the environment variable SEINE_FAILPOINTS, entries separated by commas:
//   NAME=kill          SIGKILL to ourselves        NAME=sleep:MS   a pause, then as if nothing was
//   NAME=abort         abort()                     NAME=error      Failpoint() returns true
//   NAME=stop          SIGSTOP to ourselves
// "@N" after the name or the action: only the Nth hit fires. "?once=FILE" at the end: fires only
// if FILE does not exist, and creates it first, so that the process that is restarted survives.
//   SEINE_FAILPOINTS="before_commit@3=kill?once=/tmp/x/done,after_append=sleep:200"
// A variable that cannot be read ends the process: a test whose fault never fires proves nothing.
#pragma once

#include <atomic>
#include <string_view>

#include "common/error.h"

namespace common {

namespace failpoint_detail {
enum class State : int { kUnread, kNothingArmed, kArmed };
extern std::atomic<State> state;
bool Hit(std::string_view name);
}  // namespace failpoint_detail

// True: the caller behaves as if what it was about to do had failed. Costs one relaxed load when
// nothing is armed. Safe to call from any thread.
inline bool Failpoint(std::string_view name) {
  using failpoint_detail::State;
  if (failpoint_detail::state.load(std::memory_order_relaxed) == State::kNothingArmed) [[likely]] {
    return false;
  }
  return failpoint_detail::Hit(name);
}

// Arms exactly what `entries` says, in place of what was armed; "" disarms. For tests within one
// process: no other thread may be inside Failpoint().
Status ArmFailpoints(std::string_view entries);

}  // namespace common
