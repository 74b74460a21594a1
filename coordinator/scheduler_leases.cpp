// Leases: from a worker's credit to DONE_ACK, and every other way in which a lease can end.

#include <algorithm>
#include <utility>

#include "coordinator/plans/stages.h"
#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::ChunkId;
using common::Epoch;
using common::Instant;
using common::LogLevel;

constexpr std::size_t kGrantsAtOnce = 128;
constexpr std::size_t kReadAtOnce = 4;
constexpr std::size_t kReadAheadLeast = 8;
constexpr std::size_t kReadAheadMost = 400;
constexpr std::size_t kDoneKept = 8192;
constexpr common::Duration kWarmFor = std::chrono::seconds(2);
// Workers that died of a chunk before they could tell what they did, until it is cut smaller.
constexpr int kSilentDeathsToCut = 3;
constexpr std::uint32_t kCutPieces = 8;

// Walks that were interrupted have long cursors, and a frame has a limit. What is left out comes
// back as a chunk of its own when this one is finished without it.
void TrimOffer(std::vector<WalletRow>& offer) {
  constexpr std::size_t kWalletBytes = 128;
  constexpr std::size_t kMostBytes = std::size_t{3} << 20U;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < offer.size(); ++i) {
    bytes += kWalletBytes;
    for (const common::Cursor& cursor : offer[i].cursors) bytes += cursor.position.size() + 32;
    bytes += offer[i].task.size() + offer[i].position.size();
    if (bytes <= kMostBytes || i == 0) continue;
    offer.resize(i);
    return;
  }
}

template <typename Message>
void SetLease(const Lease& lease, Message& message) {
  message.set_chunk(lease.chunk.id.value);
  message.set_epoch(lease.chunk.epoch.value);
}

}  // namespace

// --- Credit to ASSIGN --------------------------------------------------------------------------

void Scheduler::Assign(Instant now) {
  if (!loaded_ || resync_wanted_ || settings_.paused || !run_) return;
  if (!asked_content_) {
    const std::size_t ahead =
        std::clamp(2 * registry_.sessions().size(), kReadAheadLeast, kReadAheadMost);
    auto chunks = queue_.NextToRead(ahead, now, kReadAtOnce);
    if (!chunks.empty()) {
      asked_content_ = true;
      Ask(PrepareRequest{std::move(chunks)});
    }
  }
  if (asked_grant_) return;
  GrantRequest request;
  // One chunk each in turn, beginning after who was served last.
  bool any = !queue_.empty();
  while (any && request.wishes.size() < kGrantsAtOnce) {
    any = false;
    auto& sessions = registry_.sessions();
    auto next = sessions.upper_bound(served_last_);
    for (std::size_t i = 0; i < sessions.size(); ++i) {
      if (next == sessions.end()) next = sessions.begin();
      any = AssignOne(next->second, request, now) || any;
      if (request.wishes.size() >= kGrantsAtOnce) break;
      ++next;
    }
  }
  if (request.wishes.empty()) return;
  asked_grant_ = true;
  Ask(std::move(request));
}

bool Scheduler::AssignOne(Session& session, GrantRequest& request, Instant now) {
  if (!MayWork(session, now) || now < session.paused_until) return false;
  const auto held = leases_.OfSession(session.id);
  // Chunks last for up to a minute, and what a dead worker left must not wait for so long.
  const bool only_urgent = session.free_credit() == 0;
  if (only_urgent && held.size() + session.asking >= kLeasesWithUrgent) return false;
  const bool alone = std::any_of(held.begin(), held.end(),
                                 [&](ChunkId chunk) { return leases_.Find(chunk)->chunk.suspect; });
  if (alone || session.asking_suspect) return false;
  auto entry = only_urgent ? queue_.PickUrgent(session.worker, now)
                           : queue_.Pick(session.worker, held.empty() && session.asking == 0, now);
  if (!entry) return false;
  ++session.asking;
  session.asking_suspect = entry->chunk.suspect;
  served_last_ = session.id;
  request.wishes.push_back({entry->chunk.id, entry->chunk.epoch, session.worker});
  const ChunkId chunk = entry->chunk.id;
  asking_.emplace(chunk, Asking{session.id, std::move(*entry)});
  return true;
}

void Scheduler::OnPrepared(Prepared prepared, Instant now) {
  asked_content_ = false;
  for (ChunkContent& content : prepared.contents) {
    const ChunkId chunk = content.chunk;
    const Epoch epoch = content.epoch;
    const bool nothing_left = content.wallets.empty();
    if (!queue_.SetContent(std::move(content)) || !nothing_left) continue;
    // Every wallet is done: a holder died after its last commit.
    queue_.Erase(chunk);
    Ask(FinishRequest{run_ ? run_->id : common::RunId{}, chunk, epoch, {}, {}});
  }
  // What was not answered is not pending any more.
  if (queue_.AnyReading()) {
    queue_.ForgetReading();
    WantResync();
  }
  static_cast<void>(now);
}

void Scheduler::OnGranted(const Granted& granted, Instant now) {
  asked_grant_ = false;
  for (const Granted::One& one : granted.grants) {
    auto node = asking_.extract(one.chunk);
    if (node.empty()) continue;
    Asking& asking = node.mapped();
    Session* const session = registry_.Find(asking.session);
    if (session != nullptr) {
      --session->asking;
      session->asking_suspect = false;
    }
    if (!one.epoch) {
      WantResync();
      continue;
    }
    Lease lease;
    lease.chunk = asking.entry.chunk;
    lease.chunk.epoch = *one.epoch;
    lease.chunk.state = ChunkRow::State::kLeased;
    lease.offer = std::move(*asking.entry.content);
    TrimOffer(lease.offer);
    lease.chunk.wallets = static_cast<std::uint32_t>(lease.offer.size());
    lease.granted_at = lease.renewed_at = now;
    if (session != nullptr) lease.chunk.owner = session->worker;
    Lease& added = leases_.Add(std::move(lease));
    ++counters_.grants;
    if (session == nullptr || !MayWork(*session, now)) {
      Reclaim(added, Holder::kLives, now);
      continue;
    }
    added.session = session->id;
    ++session->granted;
    SendAssign(*session, added, now);
  }
}

void Scheduler::SendAssign(const Session& session, Lease& lease, Instant now) {
  lease.offered_at = now;
  proto::Envelope message;
  proto::Assign& assign = *message.mutable_assign();
  assign.set_session(session.id.value);
  assign.set_term(term_.value);
  SetLease(lease, assign);
  assign.set_run(lease.chunk.run.value);
  assign.set_kind(lease.chunk.kind);
  assign.set_urgent(lease.chunk.urgent);
  if (run_) assign.set_source(plans::SourceOf(run_->kind, run_->source, lease.chunk.kind));
  assign.mutable_wallets()->Reserve(static_cast<int>(lease.offer.size()));
  for (const WalletRow& row : lease.offer) {
    proto::WalletTask& task = *assign.add_wallets();
    task.set_wallet_id(row.id.value);
    if (!row.task.empty()) {
      task.set_task(row.task);
      task.set_position(row.position);
      task.set_complete_to(row.complete_to);
      continue;
    }
    task.set_has_trades(row.has_trades);
    task.set_address(row.address.bytes.data(), row.address.bytes.size());
    for (const common::Cursor& cursor : row.cursors) {
      proto::SourceCursor& wire = *task.add_cursors();
      wire.set_source(static_cast<std::uint32_t>(cursor.source));
      wire.set_owned_from(cursor.owned_from);
      wire.set_complete_to(cursor.complete_to);
      wire.set_position(cursor.position);
    }
  }
  Send(session.connection, std::move(message));
}

void Scheduler::OnAccept(const Session& session, const proto::Accept& accept, Instant now) {
  Lease* const lease = leases_.Find({accept.chunk()}, {accept.epoch()});
  if (lease == nullptr || lease->session != session.id) {
    ++counters_.stale;
    return;
  }
  if (lease->phase == Lease::Phase::kOffered) lease->phase = Lease::Phase::kAccepted;
  lease->offer.clear();
  lease->offer.shrink_to_fit();
  lease->renewed_at = now;
}

// --- FINISHED to DONE_ACK ----------------------------------------------------------------------

void Scheduler::OnFinished(const Session& session, const proto::Finished& finished) {
  const ChunkId chunk{finished.chunk()};
  const Epoch epoch{finished.epoch()};
  Lease* const lease = leases_.Find(chunk, epoch);
  if (lease == nullptr || lease->session != session.id) {
    const auto done = done_.find(epoch);
    proto::Envelope message;
    if (done != done_.end() && done->second == chunk) {
      message.mutable_done_ack()->set_session(session.id.value);
      message.mutable_done_ack()->set_chunk(chunk.value);
      message.mutable_done_ack()->set_epoch(epoch.value);
    } else {
      if (!loaded_ || lease != nullptr) return;
      ++counters_.fenced;
      message.mutable_fenced()->set_session(session.id.value);
      message.mutable_fenced()->set_chunk(chunk.value);
      message.mutable_fenced()->set_epoch(epoch.value);
    }
    return Send(session.connection, std::move(message));
  }
  // Until the ledger can be told it is said again every two seconds.
  if (lease->phase == Lease::Phase::kEnding || !loaded_ || resync_wanted_) return;
  FinishRequest request{lease->chunk.run, chunk, epoch, {}, TakeUse()};
  for (const proto::WalletOutcome& outcome : finished.outcomes()) {
    if (outcome.kind() == proto::WalletOutcome::COMPLETE) continue;
    request.failures.push_back({{outcome.wallet_id()},
                                outcome.kind() == proto::WalletOutcome::REJECTED,
                                outcome.reason(),
                                outcome.kind() == proto::WalletOutcome::SUSPECT});
  }
  lease->phase = Lease::Phase::kEnding;
  lease->finished = true;
  lease->offer.clear();
  Ask(std::move(request));
}

void Scheduler::OnFinishedAnswer(const FinishedAnswer& answer, Instant now) {
  Lease* const lease = leases_.Find(answer.chunk, answer.epoch);
  const Session* const session =
      lease != nullptr && lease->session ? registry_.Find(*lease->session) : nullptr;
  if (!answer.closed) {
    if (lease != nullptr) {
      SendFenced(*lease);
      leases_.Remove(answer.chunk);
    }
    WantResync();
    return;
  }
  done_[answer.epoch] = answer.chunk;
  if (done_.size() > kDoneKept) done_.erase(done_.begin());
  if (session != nullptr) {
    proto::Envelope message;
    message.mutable_done_ack()->set_session(session->id.value);
    SetLease(*lease, *message.mutable_done_ack());
    Send(session->connection, std::move(message));
  }
  if (lease != nullptr) leases_.Remove(answer.chunk);
  silent_deaths_.erase(answer.chunk);
  lonely_deaths_.erase(answer.chunk);
  queue_.Erase(answer.chunk);
  if (open_.erase(answer.chunk) > 0 && run_) {
    ++run_->chunks_done;
    CountDone(answer.wallets_done, answer.failed_now);
  }
  AddChunks(answer.created, now);
}

// --- RELEASE and RECALL ------------------------------------------------------------------------

void Scheduler::OnRelease(Session& session, const proto::Release& release, Instant now) {
  Lease* const lease = leases_.Find({release.chunk()}, {release.epoch()});
  if (lease == nullptr || lease->session != session.id) {
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
  if (lease != nullptr && lease->session == session.id && lease->phase != Lease::Phase::kEnding) {
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
  const Session* const session = lease.session ? registry_.Find(*lease.session) : nullptr;
  if (session == nullptr) return;
  ++counters_.fenced;
  proto::Envelope message;
  message.mutable_fenced()->set_session(session->id.value);
  SetLease(lease, *message.mutable_fenced());
  Send(session->connection, std::move(message));
}

// --- Taking back -------------------------------------------------------------------------------

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
  Session* const session = lease.session ? registry_.Find(*lease.session) : nullptr;
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
  reclaimed.chunk.urgent = lease->died;
  for (ChunkRow& created : reclaimed.created) created.urgent = lease->died && !created.suspect;
  leases_.Remove(chunk);
  counters_.quarantined += reclaimed.quarantined.size();
  if (run_ && reclaimed.chunk.run == run_->id) {
    CountDone(0, static_cast<std::int64_t>(reclaimed.quarantined.size()));
    run_->wallets_quarantined += static_cast<std::int64_t>(reclaimed.quarantined.size());
  }
  for (const common::WalletId wallet : reclaimed.quarantined) {
    Note(LogLevel::kError, "wallet_quarantined", owner, chunk, std::to_string(wallet.value));
  }
  switch (reclaimed.chunk.state) {
    case ChunkRow::State::kPending:
      AddChunk(reclaimed.chunk, now);
      // Its next process has the warmest cache, if it is here already.
      if (registry_.Of(owner) != nullptr) queue_.KeepFor(chunk, owner, now + kWarmFor);
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
    const Session* const session = lease.session ? registry_.Find(*lease.session) : nullptr;
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

// --- The end of a run --------------------------------------------------------------------------

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
    if (lease.phase != Lease::Phase::kAccepted || !lease.session || lease.splitting) continue;
    if (lease.recalled_at && now - *lease.recalled_at < timings_.recall_again) continue;
    const std::uint32_t left = NotBegun(lease);
    const bool waits = leases_.OfSession(*lease.session).size() > 1;
    if (left >= (waits ? 1U : 2U)) most.emplace_back(left, chunk);
  }
  std::sort(most.rbegin(), most.rend());
  for (const auto& [left, chunk] : most) {
    if (idle == 0) return;
    Lease& lease = *leases_.Find(chunk);
    SendRecall(*registry_.Find(*lease.session), lease, now);
    --idle;
  }
}

}  // namespace coordinator
