// Leases whose holder is gone: taken back, and whose fault it was.

#include <algorithm>
#include <utility>

#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::ChunkId;
using common::Duration;
using common::Instant;
using common::LogLevel;

constexpr common::Duration kWarmFor = std::chrono::seconds(2);
// Workers that died of a chunk before they could tell what they did, until it is cut smaller.
constexpr int kSilentDeathsToCut = 3;
constexpr std::uint32_t kCutPieces = 8;
// Deaths of workers with many wallets in flight, beyond which no single wallet is to blame.
constexpr std::size_t kStormDeaths = 3;

}  // namespace

void Scheduler::TickReplaced(Instant now) {
  constexpr Duration kSendTold = std::chrono::milliseconds(50);
  while (!replaced_.empty() && now - replaced_.front().at >= kSendTold) {
    const Replaced replaced = std::move(replaced_.front());
    replaced_.pop_front();
    std::vector<common::ChunkId> chunks;
    for (const auto& [chunk, phase] : replaced.chunks) {
      Lease* const lease = leases_.Find(chunk);
      if (lease != nullptr && !lease->session()) lease->phase = phase;
      chunks.push_back(chunk);
    }
    if (replaced.dead) ++counters_.deaths;
    TakeBack(chunks, replaced.dead, now);
  }
}

// The holder of these leases is gone.
void Scheduler::TakeBack(const std::vector<common::ChunkId>& chunks, bool died, Instant now) {
  bool crowd = false;
  const auto begun = std::count_if(chunks.begin(), chunks.end(), [&](common::ChunkId chunk) {
    const Lease* const lease = leases_.Find(chunk);
    return lease != nullptr && lease->phase == Lease::Phase::kAccepted;
  });
  const Holder holder = !died ? Holder::kLives : begun > 1 ? Holder::kDied : Holder::kDiedAlone;
  for (const common::ChunkId chunk : chunks) {
    Lease* const lease = leases_.Find(chunk);
    if (lease == nullptr || lease->phase == Lease::Phase::kEnding) continue;
    leases_.Orphan(*lease);
    if (!loaded_) {  // The ledger cannot be told now: it is as if inherited.
      lease->phase = Lease::Phase::kInherited;
      continue;
    }
    crowd = crowd || (died && (begun > 1 || lease->in_flight.size() > 1));
    Reclaim(*lease, holder, now);
  }
  if (crowd) innocent_deaths_.push_back(now);
}

bool Scheduler::Storm(Instant now) {
  // Who died before a take-over is not known.
  if (took_over_ && now - loaded_at_ < timings_.storm) return true;
  while (!innocent_deaths_.empty() && now - innocent_deaths_.front() > timings_.storm) {
    innocent_deaths_.pop_front();
  }
  return innocent_deaths_.size() > kStormDeaths;
}

void Scheduler::Accuse(const Lease& lease, Holder holder, ReclaimRequest& request, Instant now) {
  if (lease.phase != Lease::Phase::kAccepted || holder == Holder::kLives) return;
  const ChunkId chunk = lease.chunk.id;
  if (lease.chunk.wallets == 1 && holder == Holder::kDiedAlone) {
    // A wallet that kills does it again; a first death may have come from outside.
    if (lonely_deaths_.insert(chunk).second) innocent_deaths_.push_back(now);
    request.strike = !Storm(now);
    return;
  }
  request.suspects = lease.in_flight;
  // Died before any BEAT could tell what it did: if that goes on, smaller chunks will show.
  if (!lease.in_flight.empty() || ++silent_deaths_[chunk] < kSilentDeathsToCut) return;
  silent_deaths_.erase(chunk);
  request.pieces = kCutPieces;
  request.all_suspects = lease.chunk.wallets == 1;
}

void Scheduler::Reclaim(Lease& lease, Holder holder, Instant now) {
  ReclaimRequest request{
      lease.chunk.run, lease.chunk.id, lease.chunk.epoch, lease.chunk.owner, {}, false, 1};
  Accuse(lease, holder, request, now);
  // An offer that never arrived used no credit: its BEATs would have told.
  Session* const session = lease.session() ? registry_.Find(*lease.session()) : nullptr;
  if (session != nullptr && lease.phase == Lease::Phase::kOffered) --session->granted;
  ++counters_.reclaims;
  lease.phase = Lease::Phase::kEnding;
  lease.finished = false;
  lease.died = holder != Holder::kLives;
  lease.offer.clear();
  Ask(std::move(request));
}

void Scheduler::OnReclaimed(Reclaimed reclaimed, Instant now) {
  const ChunkId chunk = reclaimed.chunk.id;
  const Lease* const lease = leases_.Find(chunk);
  if (lease == nullptr || lease->phase != Lease::Phase::kEnding) {
    WantResync();
    return;
  }
  const common::WorkerId owner = lease->chunk.owner;
  const bool was_given_back = lease->session().has_value();
  reclaimed.chunk.urgent = lease->died;
  for (ChunkRow& created : reclaimed.created) created.urgent = lease->died && !created.suspect;
  leases_.Remove(chunk);
  counters_.quarantined += reclaimed.quarantined.size();
  if (run_ && reclaimed.chunk.run == run_->id) {
    CountDone(reclaimed.wallets_done, static_cast<std::int64_t>(reclaimed.quarantined.size()));
    run_->wallets_quarantined += static_cast<std::int64_t>(reclaimed.quarantined.size());
  }
  for (const common::WalletId wallet : reclaimed.quarantined) {
    Note(LogLevel::kError, "wallet_quarantined", owner, chunk, std::to_string(wallet.value));
  }
  switch (reclaimed.chunk.state) {
    case ChunkRow::State::kPending:
      AddChunk(reclaimed.chunk, now);
      // Its next process has the warmest cache, if it is here already.
      if (!was_given_back && registry_.Of(owner) != nullptr)
        queue_.KeepFor(chunk, owner, now + kWarmFor);
      break;
    case ChunkRow::State::kDone:
      lonely_deaths_.erase(chunk);
      if (open_.erase(chunk) > 0 && run_) ++run_->chunks_done;
      break;
    case ChunkRow::State::kLeased:
      WantResync();
      break;
  }
  AddChunks(reclaimed.created, now);
}

void Scheduler::TickLeases(Instant now) {
  std::vector<ChunkId> expired;
  for (auto& [chunk, lease] : leases_.all()) {
    if (lease.phase == Lease::Phase::kEnding) continue;
    if (lease.phase == Lease::Phase::kInherited) {
      if (now - loaded_at_ >= timings_.adoption) expired.push_back(chunk);
      continue;
    }
    if (now - lease.renewed_at >= timings_.lease) {
      expired.push_back(chunk);
      continue;
    }
    const Session* const session = lease.session() ? registry_.Find(*lease.session()) : nullptr;
    if (lease.phase == Lease::Phase::kOffered && session != nullptr && !session->gone_at &&
        now - lease.offered_at >= timings_.assign_again) {
      ++counters_.resends;
      SendAssign(*session, lease, now);
    }
  }
  if (!loaded_) return;
  for (const ChunkId chunk : expired) {
    Lease& lease = *leases_.Find(chunk);
    SendFenced(lease);
    Reclaim(lease, Holder::kLives, now);
  }
  Balance(now);
}

}  // namespace coordinator
