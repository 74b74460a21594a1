// The half of the session that is about leases: granted, given back, finished, lost.
#include <algorithm>
#include <utility>

#include "common/check.h"
#include "worker/session.h"
#include "worker/session_wire.h"

namespace worker {
namespace {

using common::Instant;
using common::Term;
using common::WalletId;

// Grants remembered for late messages. Far more than can be on the way at once.
constexpr std::size_t kSeenKept = 256;

}  // namespace

void Session::CountGrant(const Lease& lease) {
  Seen& seen = seen_[lease.epoch];
  if (seen.counted_in == session_) return;
  seen.counted_in = session_;
  seen.chunk = lease.chunk;
  ++granted_;
  while (seen_.size() > kSeenKept) seen_.erase(seen_.begin());
}

// What a repeated or late ASSIGN or RECALL of a lease that has ended is told: a RELEASE that was
// lost is said again. False: this lease was never here.
bool Session::AnswerSeen(const Lease& lease) {
  const auto found = seen_.find(lease.epoch);
  if (found == seen_.end() || found->second.chunk != lease.chunk) return false;
  // Dropped at a WELCOME and granted again, under the same number, by the session that it began.
  if (found->second.fate == Fate::kLost && found->second.counted_in != session_) return false;
  if (found->second.fate == Fate::kReleased) SendRelease(lease, {}, found->second.reason);
  return true;
}

void Session::OnAssign(const proto::Assign& assign, Instant now) {
  if (!RaiseTerm(Term{assign.term()})) return;
  const Lease lease = LeaseOf(assign);
  if (held_.contains(lease)) {
    proto::Envelope message;
    message.mutable_accept()->set_session(session_);
    SetLease(lease, *message.mutable_accept());
    return Send(std::move(message));
  }
  if (AnswerSeen(lease)) return;
  for (const auto& [epoch, seen] : seen_) {
    if (seen.chunk == lease.chunk && epoch > lease.epoch) {
      ++stale_;
      return;
    }
  }
  CountGrant(lease);
  if (drain_) {
    Forget(lease, Fate::kReleased, proto::Release::DRAIN);
    SendRelease(lease, {}, proto::Release::DRAIN);
    return CheckDrained(now);
  }
  TakeGrant(lease, assign);
}

void Session::TakeGrant(const Lease& lease, const proto::Assign& assign) {
  auto task = ReadChunk(assign);
  if (!task) {
    // Work that this version cannot do: another worker may.
    Forget(lease, Fate::kReleased, proto::Release::OVERLOAD);
    return SendRelease(lease, {}, proto::Release::OVERLOAD);
  }
  for (const Lease& older : leases()) {
    if (older.chunk != lease.chunk) continue;
    actions_.emplace_back(AbandonChunk{older});
    Forget(older, Fate::kLost, proto::Release::UNSPECIFIED);
  }
  held_.emplace(lease, Held{});
  proto::Envelope message;
  message.mutable_accept()->set_session(session_);
  SetLease(lease, *message.mutable_accept());
  Send(std::move(message));
  actions_.emplace_back(StartChunk{std::move(*task)});
}

void Session::Forget(const Lease& lease, Fate fate, proto::Release::Reason reason) {
  held_.erase(lease);
  Seen& seen = seen_[lease.epoch];
  seen.chunk = lease.chunk;
  seen.fate = fate;
  seen.reason = reason;
}

void Session::OnRecall(const proto::Recall& recall) {
  const Lease lease = LeaseOf(recall);
  const auto found = held_.find(lease);
  if (found == held_.end()) {
    if (AnswerSeen(lease)) return;
    // Its ASSIGN never came: whatever it was, it is not begun.
    CountGrant(lease);
    Forget(lease, Fate::kReleased, proto::Release::RECALL);
    return SendRelease(lease, {}, proto::Release::RECALL);
  }
  if (found->second.finished) return;
  actions_.emplace_back(GiveBack{lease, proto::Release::RECALL});
}

void Session::OnFenced(const proto::Fenced& fenced, Instant now) {
  if (fenced.chunk() == 0) {
    return End(kExitFenced, false, "a newer process took over this worker's id");
  }
  const Lease until = LeaseOf(fenced);
  for (const Lease& lease : leases()) {
    if (lease.chunk != until.chunk || lease.epoch > until.epoch) continue;
    actions_.emplace_back(AbandonChunk{lease});
    Forget(lease, Fate::kLost, proto::Release::UNSPECIFIED);
  }
  SendCredit();
  CheckDrained(now);
}

void Session::SendFinished(const Lease& lease, Held& held, Instant now) {
  CHECK(held.finished.has_value());
  held.finished_again_at = now + timings_.finished_again;
  if (phase_ != Phase::kEstablished) return;
  proto::Envelope message;
  *message.mutable_finished() = *held.finished;
  message.mutable_finished()->set_session(session_);
  SetLease(lease, *message.mutable_finished());
  Send(std::move(message));
}

SessionActions Session::Finished(const Lease& lease, const std::vector<WalletOutcome>& outcomes,
                                 std::uint64_t rows, Instant now) {
  const auto found = held_.find(lease);
  if (phase_ == Phase::kEnded || found == held_.end()) return {};
  proto::Finished finished;
  finished.set_rows(rows);
  for (const WalletOutcome& outcome : outcomes) {
    proto::WalletOutcome& wire = *finished.add_outcomes();
    wire.set_wallet_id(outcome.wallet.value);
    wire.set_kind(WireKind(outcome.kind));
    std::string reason = outcome.reason;
    for (char& c : reason) {
      if (static_cast<unsigned char>(c) > 0x7f) c = '?';  // a text of protobuf must be UTF-8
    }
    wire.set_reason(std::move(reason));
  }
  found->second.finished = std::move(finished);
  SendFinished(lease, found->second, now);
  SendCredit();
  return TakeActions();
}

void Session::OnDoneAck(const proto::DoneAck& ack, Instant now) {
  const Lease lease = LeaseOf(ack);
  const auto found = held_.find(lease);
  if (found == held_.end() || !found->second.finished) {
    ++stale_;
    return;
  }
  Forget(lease, Fate::kFinished, proto::Release::UNSPECIFIED);
  CheckDrained(now);
}

void Session::SendRelease(const Lease& lease, const std::vector<WalletId>& wallets,
                          proto::Release::Reason reason) {
  if (phase_ != Phase::kEstablished) return;
  proto::Envelope message;
  proto::Release& release = *message.mutable_release();
  release.set_session(session_);
  SetLease(lease, release);
  release.set_reason(reason);
  for (const WalletId& wallet : wallets) release.add_wallets(wallet.value);
  Send(std::move(message));
}

SessionActions Session::Released(const Lease& lease, const std::vector<WalletId>& wallets,
                                 bool whole, proto::Release::Reason reason, Instant now) {
  const auto found = held_.find(lease);
  if (phase_ == Phase::kEnded || found == held_.end()) return {};
  if (whole) {
    Forget(lease, Fate::kReleased, reason);
    SendRelease(lease, {}, reason);
    SendCredit();
    CheckDrained(now);
    return TakeActions();
  }
  // Said in full each time, so that a repeated RECALL repairs a RELEASE that was lost. An empty
  // list would give back the whole chunk.
  auto& released = found->second.released;
  released.insert(released.end(), wallets.begin(), wallets.end());
  if (!released.empty()) SendRelease(lease, released, reason);
  return TakeActions();
}

SessionActions Session::Stored(const Lease& lease) {
  const auto found = held_.find(lease);
  if (phase_ == Phase::kEnded || found == held_.end() || found->second.stored) return {};
  found->second.stored = true;
  SendCredit();
  return TakeActions();
}

SessionActions Session::FencedByStore(const Lease& lease, Instant now) {
  if (phase_ == Phase::kEnded || !held_.contains(lease)) return {};
  Forget(lease, Fate::kLost, proto::Release::UNSPECIFIED);
  actions_.emplace_back(AbandonChunk{lease});
  if (phase_ == Phase::kEstablished) {
    proto::Envelope message;
    message.mutable_fenced()->set_session(session_);
    SetLease(lease, *message.mutable_fenced());
    Send(std::move(message));
  }
  SendCredit();
  CheckDrained(now);
  return TakeActions();
}

SessionActions Session::SetWilling(bool willing, Instant) {
  if (willing_ == willing) return {};
  willing_ = willing;
  if (willing) SendCredit();
  return TakeActions();
}

}  // namespace worker
