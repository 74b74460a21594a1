// One budget for each endpoint of the upstreams, divided over the live sessions.
//
// Who has more requests waiting gets more; everybody gets a floor, so that a worker whose work
// begins need not wait for it. The shares handed out never sum to more than the limit: a share that
// grows waits until the session that gave way has had time to hear of it. A throttled report lowers
// the limit for a while. Pure; used by the coordinator's loop only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace coordinator {

struct EndpointLimit {
  std::string endpoint;
  double per_s = 0;  // 0: unlimited
};

// Documented limits of the services, with head-room.
std::vector<EndpointLimit> DefaultLimits();

class RateBudget {
 public:
  explicit RateBudget(std::vector<EndpointLimit> limits);

  struct Share {
    std::string endpoint;
    double per_s = 0;
    double burst = 1;
  };
  // What a worker says of an endpoint in BEAT: totals of its process.
  struct Use {
    std::string endpoint;
    std::uint64_t requests = 0;
    std::uint64_t throttled = 0;
    std::uint32_t waiting = 0;
  };

  void Join(common::SessionId session, common::Instant now);
  // Its shares are free again at once.
  void Leave(common::SessionId session, common::Instant now);
  // Unknown sessions and endpoints are ignored.
  void Report(common::SessionId session, const std::vector<Use>& uses, common::Instant now);
  // Divides anew. Call it a few times a second.
  void Divide(common::Instant now);

  // One for each endpoint. Empty for an unknown session.
  std::vector<Share> SharesOf(common::SessionId session) const;

  struct Status {
    std::string endpoint;
    double limit_per_s = 0;  // as it is now; 0: unlimited
    double used_per_s = 0;
    std::uint64_t throttled = 0;
  };
  std::vector<Status> statuses() const;
  // Sum of what sessions may still use: for tests of the one promise.
  double Outstanding(const std::string& endpoint) const;

 private:
  struct Holder {
    double share = 0;     // as told from now on
    double held = 0;      // counted against the limit
    double settling = 0;  // what held falls to some time after lowered_at
    common::Instant lowered_at{};
    double demand = 0;  // smoothed
    double used_per_s = 0;
    std::uint64_t requests = 0;
    std::uint64_t throttled = 0;
    common::Instant reported_at{};
    bool reported = false;
  };
  struct Endpoint {
    double per_s = 0;
    double factor = 1;  // lowered by throttled reports
    common::Instant lowered_at{};
    common::Instant grown_at{};
    std::uint64_t throttled = 0;
    double asked_lately = 0;    // requests since it was lowered last, of a minute at most
    double refused_lately = 0;  // of them
    std::map<common::SessionId, Holder> holders;
  };

  static void ReportOne(Endpoint& endpoint, Holder& holder, const Use& use, common::Instant now);
  static void Lower(Endpoint& endpoint, std::uint64_t refused, common::Instant now);
  static void DivideOne(Endpoint& endpoint, common::Instant now);

  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace coordinator
