// What the coordinator says.
#include <algorithm>

#include "worker/session.h"
#include "worker/session_wire.h"

namespace worker {
namespace {

using common::Duration;
using common::Instant;
using common::Term;

constexpr Duration kShortestHeartbeat = std::chrono::milliseconds(20);
constexpr Duration kLongestHeartbeat = std::chrono::seconds(60);

}  // namespace

SessionActions Session::Receive(const proto::Envelope& message, Instant now) {
  if (phase_ == Phase::kEnded || phase_ == Phase::kSilent) return {};
  const auto current = [&](const auto& body) {
    if (!IsCurrent(body.session())) {
      ++stale_;
      return false;
    }
    heard_at_ = now;
    return true;
  };
  switch (message.body_case()) {
    case proto::Envelope::kWelcome:
      OnWelcome(message.welcome(), now);
      break;
    case proto::Envelope::kReject:
      OnReject(message.reject(), now);
      break;
    case proto::Envelope::kAssign:
      if (current(message.assign())) OnAssign(message.assign(), now);
      break;
    case proto::Envelope::kBeatAck:
      if (current(message.beat_ack())) OnBeatAck(message.beat_ack());
      break;
    case proto::Envelope::kDoneAck:
      if (current(message.done_ack())) OnDoneAck(message.done_ack(), now);
      break;
    case proto::Envelope::kRecall:
      if (current(message.recall())) OnRecall(message.recall());
      break;
    case proto::Envelope::kFenced:
      if (current(message.fenced())) OnFenced(message.fenced(), now);
      break;
    case proto::Envelope::kDrain:
      if (current(message.drain())) {
        const Duration deadline = std::chrono::milliseconds(message.drain().deadline_ms());
        return Drain(message.drain().mode(), deadline, now);
      }
      break;
    default:
      ++stale_;
  }
  return TakeActions();
}

bool Session::RaiseTerm(Term term) {
  if (term < highest_term_) {
    ++stale_;
    return false;
  }
  if (term > highest_term_) {
    highest_term_ = term;
    actions_.emplace_back(KeepTerm{term});
  }
  return true;
}

void Session::OnWelcome(const proto::Welcome& welcome, Instant now) {
  if (IsCurrent(welcome.session())) {
    heard_at_ = now;
    return;
  }
  if (welcome.session() == 0 || !RaiseTerm(Term{welcome.term()})) return;
  heard_at_ = now;
  reconnect_.Reset();
  phase_ = Phase::kEstablished;
  session_ = welcome.session();
  heartbeat_ = std::clamp<Duration>(std::chrono::milliseconds(welcome.heartbeat_ms()),
                                    kShortestHeartbeat, kLongestHeartbeat);
  sequence_ = granted_ = credit_ = 0;
  beat_at_ = now;
  std::vector<Lease> kept;
  for (const proto::ChunkRef& ref : welcome.kept()) kept.push_back(LeaseOf(ref));
  for (const Lease& lease : leases()) {
    if (std::find(kept.begin(), kept.end(), lease) != kept.end()) continue;
    actions_.emplace_back(AbandonChunk{lease});
    Forget(lease, Fate::kLost, proto::Release::UNSPECIFIED);
  }
  actions_.emplace_back(SetRates{{welcome.rates().begin(), welcome.rates().end()}});
  if (drain_) SendDraining();
  SendCredit();
  for (auto& [lease, held] : held_) {
    if (held.finished) SendFinished(lease, held, now);
  }
  CheckDrained(now);
}

void Session::OnReject(const proto::Reject& reject, Instant now) {
  const std::string said = reject.text().empty() ? "" : ": " + reject.text();
  switch (reject.reason()) {
    case proto::Reject::VERSION:
      return End(kExitLost, false,
                 "worker and coordinator are of versions that do not understand each other" + said);
    case proto::Reject::RUN_MISMATCH:
      return End(kExitLost, false, "the state directory belongs to another coordinator" + said);
    case proto::Reject::DUPLICATE:
      return End(kExitFenced, false, "another process works under this id" + said);
    case proto::Reject::NOT_AUTHORISED:
      return End(kExitNotAuthorised, false, "the coordinator does not know this worker" + said);
    default:
      // An unknown session begins anew; a coordinator that drains or has a term to win is asked
      // again by the next HELLO.
      heard_at_ = now;
      if (phase_ == Phase::kEstablished) Greet(now);
  }
}

void Session::OnBeatAck(const proto::BeatAck& ack) {
  if (!RaiseTerm(Term{ack.term()})) return;
  actions_.emplace_back(SetRates{{ack.rates().begin(), ack.rates().end()}});
  if (ack.order() == proto::BeatAck::NONE) return;
  const auto reason =
      ack.order() == proto::BeatAck::DRAIN ? proto::Release::DRAIN : proto::Release::RECALL;
  if (reason == proto::Release::DRAIN && !drain_) {
    drain_ = DrainState{proto::GRACEFUL, heard_at_ + timings_.drain};
    SendDraining();
    ApplyDrain(heard_at_);
    return;
  }
  for (const auto& [lease, held] : held_) {
    if (!held.finished) actions_.emplace_back(GiveBack{lease, reason});
  }
}

}  // namespace worker
