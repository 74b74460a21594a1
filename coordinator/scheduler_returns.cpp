// What a living worker gives back, and what it is asked to give back.

#include <algorithm>
#include <utility>

#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::ChunkId;
using common::Instant;

}  // namespace

void Scheduler::OnRelease(Session& session, const proto::Release& release, Instant now) {
  Lease* const lease = leases_.Find({release.chunk()}, {release.epoch()});
  if (lease == nullptr || lease->session() != session.id) {
    ++counters_.stale;
    return;
  }
  if (lease->phase == Lease::Phase::kEnding || !loaded_) return;
  if (release.reason() == proto::Release::OVERLOAD) {
    constexpr common::Duration kOverloadPause = std::chrono::seconds(1);
    session.paused_until = now + kOverloadPause;
  }
  if (release.wallets().empty()) {
    ++counters_.releases;
    return Reclaim(*lease, Holder::kLives, now);
  }
  // Said in full each time: no more than before is nothing new.
  const auto told = static_cast<std::uint32_t>(release.wallets_size());
  if (lease->splitting || told <= lease->given_back) return;
  ++counters_.releases;
  lease->splitting = true;
  SplitRequest request{lease->chunk.run, lease->chunk.id, lease->chunk.epoch, {}, 1};
  for (const std::int32_t wallet : release.wallets()) request.wallets.push_back({wallet});
  request.pieces = std::clamp<std::uint32_t>(IdleSessions(now), 1, told);
  Ask(std::move(request));
}

void Scheduler::OnSplit(const SplitAnswer& answer, Instant now) {
  if (Lease* const lease = leases_.Find(answer.chunk, answer.epoch)) {
    lease->splitting = false;
    const std::uint32_t before = lease->chunk.wallets;
    lease->chunk.wallets = std::min(before, answer.wallets_left);
    lease->given_back += before - lease->chunk.wallets;
  }
  AddChunks(answer.created, now);
}

void Scheduler::OnFencedByStore(const Session& session, const proto::Fenced& fenced) {
  const Lease* const lease = leases_.Find({fenced.chunk()}, {fenced.epoch()});
  ++counters_.fenced;
  // The database knows better than this table what the chunk is now.
  if (lease != nullptr && lease->session() == session.id && lease->phase != Lease::Phase::kEnding) {
    leases_.Remove(lease->chunk.id);
    WantResync();
  }
}

void Scheduler::SendRecall(const Session& session, Lease& lease, Instant now) {
  lease.recalled_at = now;
  ++counters_.recalls;
  proto::Envelope message;
  message.mutable_recall()->set_session(session.id.value);
  SetLease(lease, *message.mutable_recall());
  Send(session.connection, std::move(message));
}

void Scheduler::SendFenced(const Lease& lease) {
  const Session* const session = lease.session() ? registry_.Find(*lease.session()) : nullptr;
  if (session == nullptr) return;
  ++counters_.fenced;
  proto::Envelope message;
  message.mutable_fenced()->set_session(session->id.value);
  SetLease(lease, *message.mutable_fenced());
  Send(session->connection, std::move(message));
}

std::uint32_t Scheduler::NotBegun(const Lease& lease) const {
  const auto begun = lease.wallets_done + static_cast<std::uint32_t>(lease.in_flight.size());
  return lease.chunk.wallets > begun ? lease.chunk.wallets - begun : 0;
}

std::uint32_t Scheduler::IdleSessions(Instant now) const {
  std::uint32_t idle = 0;
  for (const auto& [id, session] : registry_.sessions()) {
    if (session.free_credit() > 0 && session.asking == 0 && MayWork(session, now) &&
        leases_.OfSession(id).empty()) {
      ++idle;
    }
  }
  return idle;
}

// When nothing is left to give, wallets that nobody has begun are called back for those who idle.
void Scheduler::Balance(Instant now) {
  if (!run_ || settings_.paused || !asking_.empty() || queue_.AnyDue(now)) return;
  std::uint32_t idle = IdleSessions(now);
  if (idle == 0) return;
  std::vector<std::pair<std::uint32_t, ChunkId>> most;
  for (const auto& [chunk, lease] : leases_.all()) {
    if (lease.phase != Lease::Phase::kAccepted || !lease.session() || lease.splitting) continue;
    if (lease.recalled_at && now - *lease.recalled_at < timings_.recall_again) continue;
    const std::uint32_t left = NotBegun(lease);
    const bool waits = leases_.OfSession(*lease.session()).size() > 1;
    if (left >= (waits ? 1U : 2U)) most.emplace_back(left, chunk);
  }
  std::sort(most.rbegin(), most.rend());
  for (const auto& [left, chunk] : most) {
    if (idle == 0) return;
    Lease& lease = *leases_.Find(chunk);
    SendRecall(*registry_.Find(*lease.session()), lease, now);
    --idle;
  }
}

}  // namespace coordinator
