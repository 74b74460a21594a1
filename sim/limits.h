// Rate limits as the upstreams apply them: a sliding window for each endpoint, in which a request
// over the limit is held back for a while before it is refused.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"
#include "sim/message.h"

namespace sim {

struct Limit {
  std::int64_t count = 0;  // 0: no limit
  std::int64_t window_ms = 10'000;
};

struct NamedLimit {
  Endpoint endpoint = Endpoint::kDataTrades;
  Limit limit;
};

// "data_trades=200/10s"; "data_trades=0" is no limit.
common::Result<NamedLimit> ParseLimit(std::string_view text);

class Limits {
 public:
  struct Verdict {
    std::optional<std::int64_t> delay_ms;  // nothing: refused
    std::int64_t retry_after_s = 0;        // when refused
  };

  void Set(Endpoint endpoint, Limit limit) { windows_[Index(endpoint)].limit = limit; }
  void SetQueue(std::int64_t queue_ms) { queue_ms_ = queue_ms; }

  // Times are of any monotonic clock.
  Verdict Ask(Endpoint endpoint, std::int64_t now_ms);

 private:
  struct Window {
    Limit limit;
    std::deque<std::int64_t> admitted;  // when each request was or will be let through, in order
  };
  static std::size_t Index(Endpoint endpoint) { return static_cast<std::size_t>(endpoint); }

  std::array<Window, kEndpoints> windows_;
  std::int64_t queue_ms_ = 0;
};

// The limits of the real services.
std::array<Limit, kEndpoints> PublishedLimits();

}  // namespace sim
