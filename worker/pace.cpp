#include "worker/pace.h"

#include <algorithm>

#include "common/check.h"

namespace worker {
namespace {

using common::Duration;
using common::Instant;

constexpr double kAfterThrottle = 0.7;
constexpr double kAfterLatency = 0.9;
constexpr double kRaise = 0.05;  // a second
constexpr Duration kBetweenChanges = std::chrono::seconds(1);
// Requests that are held back show as latency of this many times the usual, plus a second.
constexpr double kLatencyTimes = 3;
constexpr double kLatencyPlus_s = 1;
constexpr double kCurrentWeight = 0.1;
constexpr double kUsualWeight = 0.005;
constexpr Duration kPauseUnasked = std::chrono::seconds(1);
constexpr double kJitter = 0.25;

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Pace::Pace(const PaceLimits& limits, std::uint64_t seed, Instant now)
    : limits_(limits), random_(seed) {
  for (Lane& lane : lanes_) lane.slowed_at = lane.raised_at = now;
}

int Pace::HostOf(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kDataTrades:
    case Endpoint::kDataOther:
      return 0;
    case Endpoint::kGammaMarkets:
    case Endpoint::kGammaOther:
      return 1;
    case Endpoint::kClob:
      return 2;
    case Endpoint::kSubgraph:
      return 3;
    case Endpoint::kRpc:
      return 4;
    case Endpoint::kDome:
      return 5;
  }
  return 0;
}

void Pace::SetShare(const RateShareOf& share, Instant now) {
  Lane& lane = At(share.endpoint);
  const double burst = std::max(1.0, share.burst);
  if (lane.bucket && lane.share == share.per_second && lane.burst == burst) return;
  lane.share = std::max(0.0, share.per_second);
  lane.burst = burst;
  if (!lane.bucket) {
    // Empty: whoever had this share before may just have used its burst, and the bursts of a whole
    // fleet that starts would pass the upstream's window together.
    lane.bucket.emplace(lane.share, 1, now);
    lane.bucket->TryTake(now);
  }
  Apply(lane, now);
}

void Pace::Apply(Lane& lane, Instant now) {
  if (lane.bucket) lane.bucket->SetRate(lane.share * lane.factor, lane.burst, now);
}

bool Pace::HasRoom(const Lane& lane, const Host& host) const {
  const int cap = std::max(1, static_cast<int>(limits_.in_flight * lane.factor));
  if (lane.use.in_flight >= cap) return false;
  return !host.probing || host.in_flight < limits_.probes;
}

bool Pace::TryStart(Endpoint endpoint, Instant now) {
  Lane& lane = At(endpoint);
  Host& host = HostAt(endpoint);
  if (now < host.paused_until || !HasRoom(lane, host)) return false;
  if (lane.bucket && !lane.bucket->TryTake(now)) return false;
  ++lane.use.requests;
  ++lane.use.in_flight;
  ++host.in_flight;
  return true;
}

Instant Pace::NextAt(Endpoint endpoint, Instant now) {
  Lane& lane = At(endpoint);
  const Host& host = HostAt(endpoint);
  if (!HasRoom(lane, host)) return Instant::max();
  const Instant token = lane.bucket ? lane.bucket->NextAt(now) : now;
  return std::max(token, host.paused_until);
}

void Pace::OnAnswer(Endpoint endpoint, Outcome outcome, Duration elapsed,
                    std::optional<Duration> retry_after, Instant now) {
  Lane& lane = At(endpoint);
  Host& host = HostAt(endpoint);
  CHECK(lane.use.in_flight > 0 && host.in_flight > 0);
  --lane.use.in_flight;
  --host.in_flight;
  switch (outcome) {
    case Outcome::kOk:
      host.failed_in_row = 0;
      host.probing = false;
      NoteLatency(lane, elapsed, now);
      SpeedUp(lane, now);
      break;
    case Outcome::kThrottled:
      ++lane.use.throttled;
      SlowDown(lane, kAfterThrottle, now);
      if (!retry_after) PauseHost(host, kPauseUnasked, now);
      break;
    case Outcome::kFailed:
      ++lane.use.failed;
      NoteFailure(host, now);
      break;
  }
  if (outcome != Outcome::kOk && retry_after) PauseHost(host, *retry_after, now);
  if (++host.calls >= limits_.window) {
    if (2 * host.failed >= host.calls) host.failed_in_row = limits_.failures_in_row;
    host.calls = host.failed = 0;
  }
  if (host.failed_in_row >= limits_.failures_in_row) {
    const double jitter = 1 - kJitter + 2 * kJitter * random_.Unit();
    const auto pause = std::chrono::duration<double>(Seconds(limits_.host_pause) * jitter);
    PauseHost(host, std::chrono::duration_cast<Duration>(pause), now);
    host.failed_in_row = 0;
    host.probing = true;
    ++pauses_;
  }
}

void Pace::NoteFailure(Host& host, Instant now) {
  ++host.failed;
  // What was on its way when the host was left alone says nothing new.
  if (now >= host.paused_until) ++host.failed_in_row;
}

Duration Pace::PausedFor(Endpoint endpoint, Instant now) const {
  const Host& host = hosts_[static_cast<std::size_t>(HostOf(endpoint))];
  return std::max(Duration::zero(), host.paused_until - now);
}

void Pace::PauseHost(Host& host, Duration time, Instant now) {
  host.paused_until = std::max(host.paused_until, now + time);
}

// Many answers tell of the same trouble, so it counts once a second.
void Pace::SlowDown(Lane& lane, double by, Instant now) {
  if (now - lane.slowed_at < kBetweenChanges && lane.factor < 1) return;
  lane.slowed_at = lane.raised_at = now;
  lane.factor = std::max(kSlowest, lane.factor * by);
  Apply(lane, now);
}

void Pace::SpeedUp(Lane& lane, Instant now) {
  if (lane.factor >= 1 || now - lane.raised_at < kBetweenChanges) return;
  lane.raised_at = now;
  lane.factor = std::min(1.0, lane.factor + kRaise);
  Apply(lane, now);
}

void Pace::NoteLatency(Lane& lane, Duration elapsed, Instant now) {
  const double latency_s = Seconds(elapsed);
  if (lane.usual_s <= 0) {
    lane.usual_s = lane.current_s = latency_s;
    return;
  }
  lane.current_s += kCurrentWeight * (latency_s - lane.current_s);
  // Falls at once, rises slowly: a queue must not become the usual.
  if (latency_s < lane.usual_s) {
    lane.usual_s = latency_s;
  } else {
    lane.usual_s += kUsualWeight * (latency_s - lane.usual_s);
  }
  if (lane.current_s > kLatencyTimes * lane.usual_s + kLatencyPlus_s) {
    SlowDown(lane, kAfterLatency, now);
  }
}

}  // namespace worker
