// Leases: from a worker's credit to DONE_ACK.

#include <algorithm>
#include <utility>

#include "coordinator/plans/stages.h"
#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::ChunkId;
using common::Epoch;
using common::Instant;

constexpr std::size_t kGrantsAtOnce = 128;
constexpr std::size_t kReadAtOnce = 4;
constexpr std::size_t kReadAheadLeast = 8;
constexpr std::size_t kReadAheadMost = 400;
constexpr std::size_t kDoneKept = 8192;

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
    leases_.GiveTo(added, session->id);
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
  if (lease == nullptr || lease->session() != session.id) {
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
  if (lease == nullptr || lease->session() != session.id) {
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
      lease != nullptr && lease->session() ? registry_.Find(*lease->session()) : nullptr;
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

}  // namespace coordinator
