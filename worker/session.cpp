#include "worker/session.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "proto/codec.h"
#include "worker/session_wire.h"

namespace worker {
namespace {

using common::Duration;
using common::Instant;
using common::Term;

// A coordinator is missed after this many of its heartbeats at the earliest.
constexpr int kBeatsMissed = 3;
// A hastened BEAT comes after this part of the heartbeat.
constexpr int kHastened = 4;

}  // namespace

Session::Session(SessionIdentity identity, Term highest_term, std::uint64_t seed,
                 SessionTimings timings)
    : identity_(std::move(identity)),
      timings_(timings),
      random_(seed),
      reconnect_(timings.reconnect),
      highest_term_(highest_term) {}

SessionActions Session::TakeActions() {
  return std::exchange(actions_, {});
}

void Session::Send(proto::Envelope message) {
  actions_.emplace_back(SendMessage{std::move(message)});
}

void Session::End(int code, bool at_once, std::string reason) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  actions_.emplace_back(Exit{code, at_once, std::move(reason)});
}

bool Session::IsCurrent(std::uint64_t session) const {
  return phase_ == Phase::kEstablished && session == session_;
}

std::uint64_t Session::Running() const {
  return static_cast<std::uint64_t>(std::count_if(
      held_.begin(), held_.end(),
      [](const auto& entry) { return !entry.second.finished && !entry.second.stored; }));
}

std::vector<Lease> Session::leases() const {
  std::vector<Lease> all;
  all.reserve(held_.size());
  for (const auto& [lease, held] : held_) all.push_back(lease);
  return all;
}

// --- The transport -----------------------------------------------------------------------------

SessionActions Session::Start(Instant now) {
  CHECK(phase_ == Phase::kSilent);
  heard_at_ = now;
  Greet(now);
  return TakeActions();
}

void Session::Greet(Instant now) {
  phase_ = Phase::kGreeting;
  session_ = 0;
  SendHello(now);
}

void Session::SendHello(Instant now) {
  proto::Envelope message;
  proto::Hello& hello = *message.mutable_hello();
  hello.set_protocol_min(proto::kProtocolMin);
  hello.set_protocol_max(proto::kProtocolMax);
  hello.set_worker_id(identity_.worker.value);
  hello.set_incarnation(identity_.incarnation);
  hello.set_host(identity_.host);
  hello.set_pid(identity_.pid);
  hello.set_state_dir_id(identity_.state_dir_id);
  hello.set_version(identity_.version);
  hello.set_highest_term(highest_term_.value);
  for (const auto& [lease, held] : held_) SetLease(lease, *hello.add_held());
  Send(std::move(message));
  hello_at_ = now + timings_.greeting;
}

SessionActions Session::Connected(Instant now) {
  // Right after Start or a new socket, the HELLO that waited for this connection goes out by
  // itself.
  if (phase_ == Phase::kEstablished) Greet(now);
  return TakeActions();
}

SessionActions Session::Disconnected(Instant now) {
  if (phase_ == Phase::kEstablished) Greet(now);
  return TakeActions();
}

SessionActions Session::KeyRefused() {
  End(kExitNotAuthorised, false,
      "the coordinator refused this worker's key: make one with `seine keys worker " +
          identity_.worker.value + "`");
  return TakeActions();
}

// --- Time --------------------------------------------------------------------------------------

bool Session::BeatDue(Instant now) const {
  return phase_ == Phase::kEstablished && now >= beat_at_;
}

Instant Session::NextAt() const {
  if (phase_ == Phase::kEnded) return Instant::max();
  Instant next = drain_ ? drain_->deadline : Instant::max();
  if (phase_ == Phase::kSilent) return std::min(next, reopen_at_);
  const Duration patience = std::max(timings_.coordinator_lost, kBeatsMissed * heartbeat_);
  next = std::min(next, heard_at_ + patience);
  if (phase_ == Phase::kGreeting) return std::min(next, hello_at_);
  for (const auto& [lease, held] : held_) {
    if (held.finished) next = std::min(next, held.finished_again_at);
  }
  return std::min(next, beat_at_);
}

SessionActions Session::Tick(Instant now, proto::Beat vitals) {
  if (phase_ == Phase::kEnded) return {};
  if (drain_ && now >= drain_->deadline) {
    if (drain_->mode == proto::QUICK) {
      if (phase_ == Phase::kEstablished) {
        proto::Envelope message;
        message.mutable_bye()->set_session(session_);
        Send(std::move(message));
      }
      End(kExitDrained, false, "the deadline for draining has passed");
      return TakeActions();
    }
    drain_ = DrainState{proto::QUICK, now + timings_.drain_quick};
    ApplyDrain(now);
  }
  const Duration patience = std::max(timings_.coordinator_lost, kBeatsMissed * heartbeat_);
  if (phase_ == Phase::kSilent) {
    if (now >= reopen_at_) {
      ++reconnects_;
      heard_at_ = now;
      actions_.emplace_back(OpenSocket{});
      Greet(now);
    }
  } else if (now >= heard_at_ + patience) {
    phase_ = Phase::kSilent;
    session_ = 0;
    reopen_at_ = now + reconnect_.Next(random_);
  } else if (phase_ == Phase::kGreeting) {
    if (now >= hello_at_) SendHello(now);
  } else if (phase_ == Phase::kEstablished) {
    if (BeatDue(now)) SendBeat(std::move(vitals), now);
    for (auto& [lease, held] : held_) {
      if (held.finished && now >= held.finished_again_at) SendFinished(lease, held, now);
    }
  }
  return TakeActions();
}

// A BEAT renews every lease, also of a chunk that is finished and waits for its DONE_ACK. CREDIT is
// said with each one, in case it was lost.
void Session::SendBeat(proto::Beat vitals, Instant now) {
  for (const auto& held : held_) {
    const auto told = std::any_of(vitals.leases().begin(), vitals.leases().end(),
                                  [&](const auto& entry) { return LeaseOf(entry) == held.first; });
    if (!told) SetLease(held.first, *vitals.add_leases());
  }
  vitals.set_session(session_);
  vitals.set_sequence(++sequence_);
  proto::Envelope message;
  *message.mutable_beat() = std::move(vitals);
  Send(std::move(message));
  SendCredit();
  beaten_at_ = now;
  beat_at_ = now + heartbeat_;
}

void Session::HastenBeat() {
  beat_at_ = std::min(beat_at_, beaten_at_ + heartbeat_ / kHastened);
}

void Session::SendCredit() {
  if (phase_ != Phase::kEstablished) return;
  const std::uint64_t running = Running();
  const std::uint64_t held = held_.size();
  if (willing_ && !drain_ && running < kChunksHeld && held < kLeasesHeld) {
    const std::uint64_t more = std::min(kChunksHeld - running, kLeasesHeld - held);
    credit_ = std::max(credit_, granted_ + more);
  }
  proto::Envelope message;
  message.mutable_credit()->set_session(session_);
  message.mutable_credit()->set_chunks(credit_);
  Send(std::move(message));
}

// --- Draining ----------------------------------------------------------------------------------

void Session::SendDraining() {
  if (phase_ != Phase::kEstablished) return;
  proto::Envelope message;
  message.mutable_draining()->set_session(session_);
  message.mutable_draining()->set_mode(drain_->mode);
  Send(std::move(message));
}

SessionActions Session::Drain(proto::DrainMode mode, Duration deadline, Instant now) {
  if (phase_ == Phase::kEnded) return {};
  if (mode == proto::NOW) {
    End(kExitLost, true, "ordered to end at once");
    return TakeActions();
  }
  if (drain_ && drain_->mode >= mode) return {};
  if (deadline <= Duration::zero()) {
    deadline = mode == proto::QUICK ? timings_.drain_quick : timings_.drain;
  }
  drain_ = DrainState{mode, now + deadline};
  SendDraining();
  ApplyDrain(now);
  return TakeActions();
}

void Session::ApplyDrain(Instant now) {
  for (const auto& [lease, held] : held_) {
    if (held.finished) continue;
    if (drain_->mode == proto::QUICK) {
      actions_.emplace_back(StopChunk{lease});
    } else {
      actions_.emplace_back(GiveBack{lease, proto::Release::DRAIN});
    }
  }
  CheckDrained(now);
}

void Session::CheckDrained(Instant) {
  if (!drain_ || !held_.empty() || phase_ == Phase::kEnded) return;
  if (phase_ == Phase::kEstablished) {
    proto::Envelope message;
    message.mutable_bye()->set_session(session_);
    Send(std::move(message));
  }
  End(kExitDrained, false, "drained");
}

}  // namespace worker
