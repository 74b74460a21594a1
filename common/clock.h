// Time as a parameter. Leases, heartbeats and back-off live on the monotonic clock (Instant);
// trades and cursors carry the chain's wall-clock seconds (UnixSeconds). They never mix.
#pragma once

#include <chrono>
#include <cstdint>

namespace common {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using UnixSeconds = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
  virtual UnixSeconds WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant Now() const override;
  UnixSeconds WallNow() const override;
};

}  // namespace common
