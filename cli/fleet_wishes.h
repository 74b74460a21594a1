// How many workers the operator wants, as the coordinator tells it; asked for in a thread of its
// own, for a coordinator that hangs must not hold up the supervisor.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/admin_client.h"
#include "common/published.h"

namespace cli {

struct FleetWish {
  int workers = 0;
  std::vector<std::string> stopped;  // ids that shall not run
  bool is_audit_due = false;         // by the schedule
};

class FleetWishes {
 public:
  // `tell`: a number of workers to tell the coordinator before listening to it.
  FleetWishes(const StateDir& state, std::optional<int> tell);
  ~FleetWishes();
  FleetWishes(const FleetWishes&) = delete;
  FleetWishes& operator=(const FleetWishes&) = delete;

  // Null until the coordinator has said something.
  std::shared_ptr<const FleetWish> Get() const { return latest_.Get(); }

 private:
  void Run();
  void Ask();

  AdminClient client_;
  // Used by the thread only.
  std::optional<int> tell_;
  std::optional<int> told_;  // not yet seen in its status
  int not_seen_ = 0;
  common::Published<FleetWish> latest_;
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

}  // namespace cli
