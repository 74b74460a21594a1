#include "common/pacing.h"

#include <algorithm>
#include <cmath>

namespace common {
namespace {

// What floating point may lose: NextAt's answer must satisfy TryTake.
constexpr double kWholeToken = 1.0 - 1e-6;
// Waits beyond this are as good as never, and keep the arithmetic from overflowing.
constexpr double kNeverSeconds = 1e9;

// In this order of arguments, for std::max answers its first one when the second is no number.
double AtLeast(double least, double number) {
  return std::max(least, number);
}

}  // namespace

TokenBucket::TokenBucket(double rate_per_s, double burst, Instant now)
    : rate_per_s_(AtLeast(0, rate_per_s)),
      burst_(AtLeast(1, burst)),
      tokens_(burst_),
      refilled_at_(now) {}

void TokenBucket::Refill(Instant now) {
  if (now <= refilled_at_) return;
  const std::chrono::duration<double> elapsed_s = now - refilled_at_;
  tokens_ = std::min(burst_, tokens_ + elapsed_s.count() * rate_per_s_);
  refilled_at_ = now;
}

bool TokenBucket::TryTake(Instant now) {
  Refill(now);
  if (tokens_ < kWholeToken) return false;
  tokens_ = std::max(0.0, tokens_ - 1);
  return true;
}

Instant TokenBucket::NextAt(Instant now) {
  Refill(now);
  if (tokens_ >= kWholeToken) return now;
  if (rate_per_s_ <= 0) return Instant::max();
  const double wait_s = (1 - tokens_) / rate_per_s_;
  if (wait_s > kNeverSeconds) return Instant::max();
  return now + Duration(static_cast<Duration::rep>(std::ceil(wait_s * 1e9)));
}

void TokenBucket::SetRate(double rate_per_s, double burst, Instant now) {
  Refill(now);
  rate_per_s_ = AtLeast(0, rate_per_s);
  burst_ = AtLeast(1, burst);
  tokens_ = std::min(tokens_, burst_);
}

Duration Backoff::Next(Random& random) {
  Duration limit = policy_.base;
  for (int i = 0; i < failures_ && limit < policy_.cap; ++i) limit *= 2;
  limit = std::clamp(limit, Duration(1), policy_.cap);
  ++failures_;
  return Duration(1 + random.Below(static_cast<std::uint64_t>(limit.count())));
}

}  // namespace common
