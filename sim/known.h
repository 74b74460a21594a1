// Who knows a market at an instant. Some tokens are traded before anyone can name them.
#pragma once

#include <atomic>
#include <cstdint>

#include "sim/world.h"

namespace sim {

class Knowledge {
 public:
  // Markets that nobody knows become known so long after the first question; 0: they never do.
  explicit Knowledge(std::int64_t unknown_after_seconds) : after_(unknown_after_seconds) {}

  bool InGamma(const Market& market, common::UnixSeconds now) const {
    return market.known_by == KnownBy::kGammaAndClob || InTheMeantime(market, now);
  }
  bool InClob(const Market& market, common::UnixSeconds now) const {
    return market.known_by != KnownBy::kNobody || InTheMeantime(market, now);
  }

 private:
  bool InTheMeantime(const Market& market, common::UnixSeconds now) const {
    common::UnixSeconds start = 0;
    if (start_.compare_exchange_strong(start, now)) start = now;
    return market.known_by == KnownBy::kNobody && after_ > 0 && now - start >= after_;
  }

  const std::int64_t after_;
  mutable std::atomic<common::UnixSeconds> start_{0};  // 0: no question yet
};

}  // namespace sim
