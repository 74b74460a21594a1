// The half of the network loop that talks to the upstreams: what to ask next, and whose the answer
// is.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "common/check.h"
#include "common/logging.h"
#include "worker/jobs/ownership.h"
#include "worker/worker.h"

namespace worker {
namespace {

using common::ErrorKind;
using common::Instant;

constexpr std::uint32_t kUrgentInFlight = 4;
constexpr common::UnixSeconds kClockTolerance = 60;
constexpr common::Duration kFlushTokensEvery = std::chrono::seconds(1);

// A refusal and a page that makes no sense say that the host is well.
Outcome OutcomeOf(const common::Status& status) {
  if (status) return Outcome::kOk;
  switch (status.error().kind) {
    case ErrorKind::kThrottled:
      return Outcome::kThrottled;
    case ErrorKind::kTransient:
      return Outcome::kFailed;
    case ErrorKind::kRejected:
    case ErrorKind::kMalformed:
      return Outcome::kOk;
  }
  return Outcome::kOk;
}

}  // namespace

jobs::Horizon* Worker::HorizonFor(const std::string& source) {
  const auto id = jobs::SourceFor(source);
  for (const auto& horizon : horizons_) {
    if (id && horizon->source().id() == *id) return horizon.get();
  }
  return nullptr;
}

// --- Answers -----------------------------------------------------------------------------------

void Worker::TakeAnswers() {
  for (HttpResponse& response : parts_.http.Collect()) {
    response.received_at = parts_.clock.WallNow();
    Answer(response);
  }
}

void Worker::Answer(const HttpResponse& response) {
  const auto found = asked_.find(response.id);
  CHECK(found != asked_.end());
  const Asked asked = found->second;
  asked_.erase(found);
  common::Status status = common::Done{};
  if (const auto* page = std::get_if<PageOf>(&asked.who)) {
    const auto work = works_.find(page->work);
    if (work != works_.end()) {
      jobs::Job& job = *work->second.job;
      status = job.OnResponse(page->place, response, now_);
      for (const jobs::RefusedEvent& refused : job.TakeRefused()) {
        common::LogWarning("event_refused",
                           {{"wallet", refused.wallet}, {"evidence", refused.evidence}});
      }
    }
  } else if (const auto* freshness = std::get_if<HorizonOf>(&asked.who)) {
    status = freshness->horizon->OnResponse(response, now_, parts_.clock.WallNow());
    const common::UnixSeconds ahead = freshness->horizon->clock_ahead();
    if (std::abs(ahead) > kClockTolerance) {
      common::LogWarning("clock_differs",
                         {{"seconds_ahead", ahead},
                          {"upstream", common::ToString(freshness->horizon->source().id())},
                          {"do",
                           "set this machine's clock; completeness is reckoned by the "
                           "upstream's where that is earlier"}});
    }
  } else if (const auto* tokens = std::get_if<TokensOf>(&asked.who)) {
    status = AnswerTokens(*tokens, response, asked.endpoint);
  }
  if (!status) {
    common::LogDebug("request_failed",
                     {{"endpoint", ToString(asked.endpoint)}, {"reason", status.error().message}});
  }
  parts_.pace.OnAnswer(asked.endpoint, OutcomeOf(status), response.elapsed, response.retry_after,
                       now_);
}

common::Status Worker::AnswerTokens(const TokensOf& asked, const HttpResponse& response,
                                    Endpoint endpoint) {
  common::Status status = parts_.resolver.OnResponse(asked.ticket, response);
  desk_.Collect();
  if (status) {
    tokens_backoff_.Reset();
  } else {
    tokens_not_before_[endpoint] = now_ + tokens_backoff_.Next(random_);
  }
  return status;
}

// --- Requests ----------------------------------------------------------------------------------

void Worker::StartRequests() {
  if (exit_) return;
  waiting_.fill(0);
  StartHorizons();
  StartTokens();
  StartPages();
}

void Worker::Start(const HttpRequest& request, Asked asked) {
  const std::uint64_t id = parts_.http.Start(request);
  asked_.emplace(id, asked);
}

void Worker::StartHorizons() {
  for (const auto& horizon : horizons_) {
    if (horizon->Wants(now_)) {
      const Endpoint endpoint = horizon->endpoint();
      if (parts_.pace.TryStart(endpoint, now_)) {
        Start(horizon->Ask(now_), {endpoint, HorizonOf{horizon.get()}});
      } else {
        ++waiting_[static_cast<std::size_t>(endpoint)];
        WakeBy(parts_.pace.NextAt(endpoint, now_));
      }
    } else {
      WakeBy(horizon->NextAt());
    }
  }
}

// Questions about tokens are cheapest in full batches, so one that is not full waits a little,
// unless a chunk waits for its answer.
void Worker::StartTokens() {
  Resolver& resolver = parts_.resolver;
  if (resolver.pending() == 0) return;
  const bool awaited = std::any_of(works_.begin(), works_.end(),
                                   [](const auto& entry) { return entry.second.told_stored; });
  const bool flush = awaited || now_ >= flush_tokens_at_;
  if (flush) flush_tokens_at_ = now_ + kFlushTokensEvery;
  for (const Endpoint endpoint : {Endpoint::kGammaMarkets, Endpoint::kClob}) {
    while (resolver.Wants(endpoint, flush)) {
      const Instant at = std::max(tokens_not_before_[endpoint], now_);
      if (at > now_ || !parts_.pace.TryStart(endpoint, now_)) {
        ++waiting_[static_cast<std::size_t>(endpoint)];
        WakeBy(std::max(at, parts_.pace.NextAt(endpoint, now_)));
        break;
      }
      const auto query = resolver.Next(endpoint, flush);
      CHECK(query.has_value());
      Start(query->request, {endpoint, TokensOf{query->ticket}});
    }
  }
  WakeBy(flush_tokens_at_);
}

bool Worker::HasRoom() const {
  std::size_t rows = 0;
  for (const auto& [id, work] : works_) rows += work.job->unwritten_rows();
  return rows < limits_.unwritten_rows && unwritten_batches_ < limits_.unwritten_batches;
}

void Worker::StartPages() {
  if (!HasRoom()) return;
  std::uint32_t begun = 0;
  std::vector<std::pair<StreamId, Work*>> in_turn;  // what is urgent first, else the oldest
  for (auto& [id, work] : works_) {
    begun += work.job->begun();
    in_turn.emplace_back(id, &work);
  }
  std::stable_partition(in_turn.begin(), in_turn.end(),
                        [](const auto& entry) { return entry.second->urgent; });
  for (const auto& [id, work] : in_turn) {
    jobs::Job& job = *work->job;
    const std::uint32_t before = job.begun();
    const std::uint32_t others = begun - before;
    // An urgent chunk begins a few wallets even where long ones fill the house.
    const std::uint32_t most = limits_.in_flight + (work->urgent ? kUrgentInFlight : 0);
    const auto may_begin = [&] {
      return others + job.begun() < most;
    };
    jobs::EndpointSet held_back;
    job.HoldBack(held_back);
    while (job.Wants(now_, may_begin())) {
      const Endpoint endpoint = job.endpoint();
      if (parts_.pace.TryStart(endpoint, now_)) {
        const jobs::PageQuery query = job.Next(now_, may_begin());
        if (is_poisoned_ && query.id == poisoned_) {
          // Never asked, so never answered: it stays in flight until a BEAT has told so.
          parts_.pace.OnAnswer(endpoint, Outcome::kOk, {}, {}, now_);
          continue;
        }
        Start(query.request, {endpoint, PageOf{id, query.place}});
      } else {
        WakeBy(parts_.pace.NextAt(endpoint, now_));
        const std::uint32_t free = limits_.in_flight - std::min(limits_.in_flight, begun);
        std::uint32_t& waiting = waiting_[static_cast<std::size_t>(endpoint)];
        waiting += job.ready(endpoint);
        // Where a part that is not begun will ask is not known: where its neighbours do, likely.
        if (held_back.none()) waiting += std::min(free, job.waiting());
        held_back.set(static_cast<std::size_t>(endpoint));
        job.HoldBack(held_back);
      }
    }
    begun = others + job.begun();
    if (job.begun() > before) parts_.session.HastenBeat();
    // Another chunk may ask elsewhere, but where this one is held back the next one is as well.
  }
}

}  // namespace worker
