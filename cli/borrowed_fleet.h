// The fleet that a command works with: the one that is up, or one of its own for its duration.
#pragma once

#include <optional>
#include <string>

#include "cli/fleet_settings.h"
#include "cli/state_dir.h"
#include "common/error.h"
#include "common/signals.h"

namespace cli {

class BorrowedFleet {
 public:
  BorrowedFleet(const StateDir& state, common::Signals& signals)
      : state_(state), signals_(signals) {}
  ~BorrowedFleet();
  BorrowedFleet(const BorrowedFleet&) = delete;
  BorrowedFleet& operator=(const BorrowedFleet&) = delete;

  // Starts a fleet where none is up. One that a command started and did not live to end becomes
  // ours. `http` names a coordinator elsewhere; then nothing is ever started. One that is started
  // here, with workers, begins resumed, and none of its workers is stopped.
  common::Status Borrow(const FleetSettings& settings, const std::string& http);
  // Ends it if it is ours. Also done at the end of life.
  void Return();

  bool is_ours() const { return is_ours_; }

 private:
  const StateDir& state_;
  common::Signals& signals_;
  bool is_ours_ = false;
};

}  // namespace cli
