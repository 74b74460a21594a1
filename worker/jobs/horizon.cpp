#include "worker/jobs/horizon.h"

#include <algorithm>

#include "common/check.h"
#include "worker/sources/answer.h"

namespace worker::jobs {

using common::Error;
using common::Instant;
using common::Status;
using common::UnixSeconds;

Horizon::Horizon(const sources::TradeSource& source, std::uint64_t seed)
    : source_(source), endpoint_(source.FreshnessRequest().endpoint), random_(seed) {}

common::Result<std::optional<UnixSeconds>> Horizon::Get(Instant now) {
  needed_ = true;
  if (value_ && now - learned_at_ < kUnusableAfter) return value_;
  if (failure_ && now - failed_at_ < kFailureTold) return *failure_;
  return std::optional<UnixSeconds>();
}

bool Horizon::Wants(Instant now) const {
  return needed_ && !asking_ && now >= ask_at_;
}

Instant Horizon::NextAt() const {
  return needed_ && !asking_ ? ask_at_ : Instant::max();
}

HttpRequest Horizon::Ask(Instant now) {
  CHECK(!asking_);
  asking_ = true;
  asked_at_ = now;
  return source_.FreshnessRequest();
}

Status Horizon::OnResponse(const HttpResponse& response, Instant now, UnixSeconds wall_now) {
  asking_ = false;
  needed_ = false;
  std::optional<Error> failed = sources::FailureOf(response);
  if (!failed) {
    const auto since_asked = std::chrono::ceil<std::chrono::seconds>(now - asked_at_).count();
    UnixSeconds asked_at = wall_now - since_asked;
    if (response.date) {
      clock_ahead_ = wall_now - *response.date;
      asked_at = std::min(asked_at, *response.date - since_asked);
    }
    const auto parsed = source_.ParseFreshness(response.body, asked_at);
    if (parsed) {
      value_ = *parsed;
      learned_at_ = asked_at_;
      ask_at_ = now + kRefreshAfter;
      failure_.reset();
      backoff_.Reset();
      return common::Done{};
    }
    failed = parsed.error();
  }
  // Whoever waits asks again by Get; after kTries they are told, and the tries begin anew.
  needed_ = true;
  ++retries_;
  ask_at_ = now + backoff_.Next(random_);
  if (backoff_.failures() >= kTries) {
    failure_ = Error{common::ErrorKind::kTransient,
                     std::string(common::ToString(source_.id())) +
                         " does not tell how fresh it is: " + failed->message};
    failed_at_ = now;
    ask_at_ = now + kFailureTold;
    needed_ = false;
    backoff_.Reset();
  }
  return *failed;
}

}  // namespace worker::jobs
