// How far a source's upstream can be believed, asked once for all wallets of all chunks.
//
// A horizon that is a little old is still proven, only lower; so a fresh one is asked for in the
// background, and nobody waits unless there is none that is young enough.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/pacing.h"
#include "common/random.h"
#include "worker/http.h"
#include "worker/sources/trade_source.h"

namespace worker::jobs {

class Horizon {
 public:
  static constexpr common::Duration kRefreshAfter = std::chrono::seconds(30);
  static constexpr common::Duration kUnusableAfter = std::chrono::minutes(5);
  static constexpr int kTries = 5;
  // How long a failure is told; whoever asks after that gets tries of his own.
  static constexpr common::Duration kFailureTold = std::chrono::seconds(1);

  // Borrows the source.
  Horizon(const sources::TradeSource& source, std::uint64_t seed);

  const sources::TradeSource& source() const { return source_; }

  // The horizon, or nothing while it is being asked for; an error when kTries in a row failed.
  // Asking for it is what makes it be kept fresh.
  common::Result<std::optional<common::UnixSeconds>> Get(common::Instant now);

  // Whether a request should be made now; at most one is under way.
  bool Wants(common::Instant now) const;
  // When Wants may become true without anybody else doing anything.
  common::Instant NextAt() const;
  HttpRequest Ask(common::Instant now);
  // The error, if any, says how the upstream is. `wall_now` is only trusted as far as the answer's
  // own date confirms it: with a clock that is fast, fills that are yet to come would count as
  // seen.
  common::Status OnResponse(const HttpResponse& response, common::Instant now,
                            common::UnixSeconds wall_now);

  // How much this machine's clock is ahead of the upstream's, by the last answer.
  common::UnixSeconds clock_ahead() const { return clock_ahead_; }

  Endpoint endpoint() const { return endpoint_; }
  std::uint64_t retries() const { return retries_; }

 private:
  const sources::TradeSource& source_;
  const Endpoint endpoint_;
  common::Random random_;
  common::Backoff backoff_;
  std::optional<common::UnixSeconds> value_;
  common::Instant learned_at_{};
  common::Instant ask_at_{};  // not before
  common::Instant asked_at_{};
  bool needed_ = false;
  bool asking_ = false;
  std::optional<common::Error> failure_;
  common::Instant failed_at_{};
  std::uint64_t retries_ = 0;
  common::UnixSeconds clock_ahead_ = 0;
};

}  // namespace worker::jobs
