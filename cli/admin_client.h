// Talks to the coordinator's HTTP, wherever it is now: asked anew for each request, so that a
// restart on another port goes unnoticed.
#pragma once

#include <string>

#include "cli/state_dir.h"
#include "common/clock.h"
#include "common/error.h"

namespace cli {

// How long a coordinator may be away before a command gives up.
inline constexpr std::chrono::seconds kCoordinatorPatience(60);

class AdminClient {
 public:
  // `http` is host:port; empty, or with port 0, for the address in coordinator.json.
  explicit AdminClient(const StateDir& state, std::string http = "");

  // The body of a 2xx answer. Otherwise kTransient when no coordinator answers, or the
  // coordinator's own words: kThrottled for "not now" (503), kRejected when it refused.
  common::Result<std::string> Get(const std::string& path) const;
  common::Result<std::string> Post(const std::string& path, const std::string& body,
                                   const std::string& content_type = "application/json") const;
  // As Post, but tried again for `patience` while the coordinator is away or says "not now".
  common::Result<std::string> PostPatiently(
      const std::string& path, const std::string& body, common::Duration patience,
      const std::string& content_type = "application/json") const;
  common::Result<std::string> GetPatiently(const std::string& path,
                                           common::Duration patience) const;

  // Whether a coordinator answers at all.
  bool IsUp() const;
  // Whether it has its database and its term: it works.
  bool IsReady() const;
  std::string address() const;

  void set_timeout(common::Duration timeout) { timeout_ = timeout; }

 private:
  const StateDir& state_;
  std::string http_;
  common::Duration timeout_ = std::chrono::seconds(120);
};

// The address under which this machine reaches a listener: "0.0.0.0" is not one.
std::string Reachable(std::string address);

}  // namespace cli
