// BEAT and its answer.

#include <algorithm>
#include <cstdint>
#include <utility>

#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::Instant;

// No process does more between two BEATs; whoever says so is not believed.
constexpr std::uint64_t kMostGrowth = 1'000'000'000;

}  // namespace

void Scheduler::OnBeat(Session& session, const proto::Beat& beat, Instant now) {
  session.sequence = std::max(session.sequence, beat.sequence());
  std::uint64_t progress = 0;
  for (const proto::LeaseProgress& told : beat.leases()) {
    Lease* const lease = leases_.Find({told.chunk()}, {told.epoch()});
    if (lease == nullptr || lease->session() != session.id) {
      ++counters_.stale;
      continue;
    }
    lease->renewed_at = now;
    if (lease->phase == Lease::Phase::kOffered) {
      lease->phase = Lease::Phase::kAccepted;
      lease->offer.clear();
    }
    lease->wallets_done = std::min(told.wallets_done(), lease->chunk.wallets);
    lease->rows = told.rows();
    lease->in_flight.clear();
    for (const std::int32_t wallet : told.in_flight()) lease->in_flight.push_back({wallet});
    silent_deaths_.erase(lease->chunk.id);
    progress += told.wallets_done() + told.rows();
  }
  TakeTotals(session, beat, now);
  for (const auto& [name, totals] : session.endpoints) progress += totals.requests;
  // A worker that waits because the upstream told it to is well.
  const bool is_paused = std::any_of(beat.endpoints().begin(), beat.endpoints().end(),
                                     [](const auto& use) { return use.paused_ms() > 0; });
  if (progress != session.progress || is_paused) {
    session.progress = progress;
    session.progress_at = now;
    session.stalled = false;
  }
  SendBeatAck(session);
}

// Totals are a process's; what they grew by since the session's first BEAT belongs to the run.
void Scheduler::TakeTotals(Session& session, const proto::Beat& beat, Instant now) {
  std::vector<RateBudget::Use> uses;
  const auto growth = [&](std::uint64_t before, std::uint64_t after) -> std::int64_t {
    const std::uint64_t grown = session.beaten && after > before ? after - before : 0;
    return grown <= kMostGrowth ? static_cast<std::int64_t>(grown) : 0;
  };
  for (const proto::EndpointUse& use : beat.endpoints()) {
    constexpr std::size_t kMostEndpoints = 64;
    if (session.endpoints.size() >= kMostEndpoints && !session.endpoints.contains(use.endpoint())) {
      continue;
    }
    EndpointTotals& totals = session.endpoints[use.endpoint()];
    use_.requests += growth(totals.requests, use.requests());
    use_.throttled += growth(totals.throttled, use.throttled());
    totals = {use.requests(), use.throttled()};
    uses.push_back({use.endpoint(), use.requests(), use.throttled(), use.waiting()});
  }
  use_.trades += growth(session.trades, beat.trades());
  use_.retries += growth(session.retries, beat.retries());
  session.trades = beat.trades();
  session.retries = beat.retries();
  session.rss_bytes = beat.rss_bytes();
  session.database_latency_ms = beat.database_latency_ms();
  session.beaten = true;
  budget_.Report(session.id, uses, now);
}

void Scheduler::SendBeatAck(const Session& session) {
  proto::Envelope message;
  proto::BeatAck& ack = *message.mutable_beat_ack();
  ack.set_session(session.id.value);
  ack.set_sequence(session.sequence);
  // While the term is lost the session's own still says who speaks.
  ack.set_term(term_.value != 0 ? term_.value : static_cast<std::int64_t>(session.id.value >> 24U));
  for (const RateBudget::Share& share : budget_.SharesOf(session.id)) {
    proto::RateShare& rate = *ack.add_rates();
    rate.set_endpoint(share.endpoint);
    rate.set_per_second(share.per_s);
    rate.set_burst(share.burst);
  }
  Send(session.connection, std::move(message));
}

}  // namespace coordinator
