// When may I try (again)? Both answers are pure: time and chance are parameters.
#pragma once

#include "common/clock.h"
#include "common/random.h"

namespace common {

// Lets `rate_per_s` requests a second through in the long run, and up to `burst` at once.
// One thread.
class TokenBucket {
 public:
  // Starts full. A rate of 0 lets nothing through once the burst is spent. The numbers may come
  // from a message: a rate below 0 is taken as 0, a burst below 1 as 1.
  TokenBucket(double rate_per_s, double burst, Instant now);

  // Takes one token if there is one.
  bool TryTake(Instant now);
  // The earliest instant at which TryTake succeeds if nobody takes before: `now` itself, or later;
  // Instant::max() when no token will ever come.
  Instant NextAt(Instant now);
  // Keeps the tokens that are there, up to the new burst.
  void SetRate(double rate_per_s, double burst, Instant now);

  double rate_per_s() const { return rate_per_s_; }

 private:
  void Refill(Instant now);

  double rate_per_s_;
  double burst_;
  double tokens_;
  Instant refilled_at_;
};

struct BackoffPolicy {
  Duration base = std::chrono::seconds(2);
  Duration cap = std::chrono::seconds(60);
};

// Full jitter: the n-th wait is uniform in (0, min(cap, base * 2^n)]. Many that failed together do
// not come back together.
class Backoff {
 public:
  explicit Backoff(BackoffPolicy policy = {}) : policy_(policy) {}

  // How long to wait now; the next wait may be twice as long.
  Duration Next(Random& random);
  // After a success.
  void Reset() { failures_ = 0; }

  // Waits asked for since the last reset.
  int failures() const { return failures_; }

 private:
  BackoffPolicy policy_;
  int failures_ = 0;
};

}  // namespace common
