// When the next request to an endpoint may start: the worker's share of the fleet's rate, less what
// the upstream's own behaviour says.
//
// Limits are counted by endpoint, trouble by host. This upstream holds requests back before it
// refuses them, so latency far above the usual is taken for a refusal. After a 429 or a Retry-After
// the host is left alone for as long as it asks; after several failures in a row, or when half of
// the last hundred failed, it is left alone for longer and then tried with a few requests. A core.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/pacing.h"
#include "common/random.h"
#include "worker/http.h"

namespace worker {

struct PaceLimits {
  int in_flight = 64;  // requests at one endpoint
  int failures_in_row = 5;
  common::Duration host_pause = std::chrono::seconds(30);  // with jitter
  int probes = 10;   // requests at once after a pause, until one succeeds
  int window = 100;  // calls over which the share of failures is judged
};

struct RateShareOf {
  Endpoint endpoint = Endpoint::kDataOther;
  double per_second = 0;
  double burst = 1;
};

enum class Outcome : std::uint8_t { kOk, kThrottled, kFailed };

class Pace {
 public:
  Pace(const PaceLimits& limits, std::uint64_t seed, common::Instant now);

  void SetShare(const RateShareOf& share, common::Instant now);

  // Takes the right to start one request; each is to be followed by OnAnswer.
  bool TryStart(Endpoint endpoint, common::Instant now);
  // The earliest instant at which TryStart may succeed; max() if only an answer can help.
  common::Instant NextAt(Endpoint endpoint, common::Instant now);

  void OnAnswer(Endpoint endpoint, Outcome outcome, common::Duration elapsed,
                std::optional<common::Duration> retry_after, common::Instant now);

  struct Use {
    std::uint64_t requests = 0;
    std::uint64_t throttled = 0;
    std::uint64_t failed = 0;
    int in_flight = 0;
  };
  // For how long the endpoint's host is not to be asked at all; zero: it may be.
  common::Duration PausedFor(Endpoint endpoint, common::Instant now) const;
  const Use& use(Endpoint endpoint) const { return At(endpoint).use; }
  // 1 at full speed; down to kSlowest where the upstream asks for less.
  double factor(Endpoint endpoint) const { return At(endpoint).factor; }
  std::uint64_t pauses() const { return pauses_; }

  static constexpr double kSlowest = 0.05;

 private:
  struct Lane {
    double share = 0;  // requests a second
    double burst = 1;
    std::optional<common::TokenBucket> bucket;  // none: nobody set a limit
    double factor = 1;
    double usual_s = 0;    // latency when all is well; 0: not known yet
    double current_s = 0;  // latency lately
    common::Instant slowed_at{};
    common::Instant raised_at{};
    Use use;
  };
  // data_trades and data_other are one host, so are the two of Gamma.
  struct Host {
    common::Instant paused_until{};
    int failed_in_row = 0;
    bool probing = false;
    int in_flight = 0;
    int calls = 0;   // in the window at hand
    int failed = 0;  // of them
  };
  static constexpr int kHosts = 6;
  static int HostOf(Endpoint endpoint);

  Lane& At(Endpoint endpoint) { return lanes_[static_cast<std::size_t>(endpoint)]; }
  const Lane& At(Endpoint endpoint) const { return lanes_[static_cast<std::size_t>(endpoint)]; }
  Host& HostAt(Endpoint endpoint) { return hosts_[static_cast<std::size_t>(HostOf(endpoint))]; }
  bool HasRoom(const Lane& lane, const Host& host) const;
  void SlowDown(Lane& lane, double by, common::Instant now);
  void SpeedUp(Lane& lane, common::Instant now);
  void Apply(Lane& lane, common::Instant now);
  void NoteLatency(Lane& lane, common::Duration elapsed, common::Instant now);
  void NoteFailure(Host& host, common::Instant now);
  void PauseHost(Host& host, common::Duration time, common::Instant now);

  const PaceLimits limits_;
  common::Random random_;
  std::array<Lane, kEndpointCount> lanes_;
  std::array<Host, kHosts> hosts_;
  std::uint64_t pauses_ = 0;
};

}  // namespace worker
