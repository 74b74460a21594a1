#include "coordinator/scheduler.h"

#include <algorithm>
#include <utility>

namespace coordinator {

using common::Instant;
using common::SessionId;
using common::Term;

Scheduler::Scheduler(SchedulerTimings timings, std::vector<EndpointLimit> limits)
    : timings_(timings), budget_(std::move(limits)) {}

Actions Scheduler::TakeActions() {
  return std::exchange(actions_, {});
}

void Scheduler::Send(const proto::ConnectionId& connection, proto::Envelope message) {
  actions_.emplace_back(SendAction{connection, std::move(message)});
}

// While the ledger is about to be read anew, requests wait, so that what is read is what is.
void Scheduler::Ask(LedgerRequest request) {
  if (!loaded_ || resync_wanted_) {
    deferred_.push_back(std::move(request));
    return;
  }
  ++outstanding_;
  actions_.emplace_back(LedgerAction{term_, std::move(request)});
}

void Scheduler::Note(common::LogLevel level, std::string event, common::WorkerId worker,
                     common::ChunkId chunk, std::string text) {
  actions_.emplace_back(
      NoteAction{level, std::move(event), std::move(worker), chunk, std::move(text)});
}

// --- Messages ----------------------------------------------------------------------------------

namespace {

// The session that a message of a worker names; 0 for HELLO and for what workers never say.
SessionId SessionIn(const proto::Envelope& message) {
  switch (message.body_case()) {
    case proto::Envelope::kCredit:
      return {message.credit().session()};
    case proto::Envelope::kAccept:
      return {message.accept().session()};
    case proto::Envelope::kBeat:
      return {message.beat().session()};
    case proto::Envelope::kFinished:
      return {message.finished().session()};
    case proto::Envelope::kRelease:
      return {message.release().session()};
    case proto::Envelope::kFenced:
      return {message.fenced().session()};
    case proto::Envelope::kDraining:
      return {message.draining().session()};
    case proto::Envelope::kBye:
      return {message.bye().session()};
    default:
      return {};
  }
}

}  // namespace

Actions Scheduler::Receive(const proto::Incoming& incoming, Instant now) {
  if (incoming.message.has_hello()) {
    OnHello(incoming, now);
    return TakeActions();
  }
  const SessionId id = SessionIn(incoming.message);
  if (id.value == 0) {
    ++counters_.malformed;
    return TakeActions();
  }
  Session* const session = registry_.Find(id);
  const bool same_key =
      !incoming.user_id || session == nullptr || *incoming.user_id == session->worker;
  if (session == nullptr || session->connection != incoming.connection || !same_key) {
    ++counters_.stale;
    // A connection that has a session sent this before it heard of it.
    if (registry_.On(incoming.connection) == nullptr && loaded_) {
      ++counters_.unknown_sessions;
      Reject(incoming.connection, proto::Reject::UNKNOWN_SESSION, "say HELLO");
    }
    return TakeActions();
  }
  session->heard = true;
  session->heard_at = now;
  session->gone_at.reset();
  Dispatch(*session, incoming.message, now);
  Assign(now);
  return TakeActions();
}

void Scheduler::Dispatch(Session& session, const proto::Envelope& message, Instant now) {
  switch (message.body_case()) {
    case proto::Envelope::kCredit: {
      // More than a few chunks ahead is no credit but a mistake.
      constexpr std::uint64_t kMostAhead = 64;
      const std::uint64_t most = session.granted + session.asking + kMostAhead;
      session.credit = std::max(session.credit, std::min(message.credit().chunks(), most));
      return;
    }
    case proto::Envelope::kAccept:
      return OnAccept(session, message.accept(), now);
    case proto::Envelope::kBeat:
      return OnBeat(session, message.beat(), now);
    case proto::Envelope::kFinished:
      return OnFinished(session, message.finished());
    case proto::Envelope::kRelease:
      return OnRelease(session, message.release(), now);
    case proto::Envelope::kFenced:
      return OnFencedByStore(session, message.fenced());
    case proto::Envelope::kDraining:
      session.draining = true;
      session.order.reset();
      return;
    case proto::Envelope::kBye:
      return EndSession(session.id, End::kBye, now);
    default:
      ++counters_.malformed;
  }
}

Actions Scheduler::ConnectionGone(const proto::ConnectionId& connection, Instant now) {
  // Whoever was replaced was dead already: that was a restart, and no contest for the name.
  for (auto& [worker, record] : registry_.workers()) {
    std::erase_if(record.takeovers, [&](const auto& one) { return one.from == connection; });
  }
  for (Replaced& replaced : replaced_) {
    if (replaced.connection == connection) replaced.dead = true;
  }
  Session* const session = registry_.On(connection);
  if (session != nullptr && !session->gone_at) session->gone_at = now;
  return TakeActions();
}

// --- The ledger --------------------------------------------------------------------------------

Actions Scheduler::HoldTerm(Term term, Instant now) {
  if (term == term_) return {};
  term_ = term;
  loaded_ = false;
  resync_wanted_ = resync_again_ = asked_grant_ = asked_content_ = asked_run_ = false;
  asked_schedule_ = false;
  deferred_.clear();
  // What was on its way through the ledger is told again by what is read now.
  asking_.clear();
  for (auto& [id, session] : registry_.sessions()) {
    session.asking = 0;
    session.asking_suspect = false;
  }
  for (auto& [chunk, lease] : leases_.all()) {
    if (lease.phase == Lease::Phase::kEnding) lease.phase = Lease::Phase::kAccepted;
    lease.finished = lease.splitting = false;
  }
  loading_ = true;
  outstanding_ = 1;
  actions_.emplace_back(LedgerAction{term_, LoadRequest{}});
  Note(common::LogLevel::kInfo, "term_held", {}, {}, std::to_string(term.value));
  static_cast<void>(now);
  return TakeActions();
}

Actions Scheduler::LoseTerm(bool replaced, Instant now) {
  if (term_.value == 0) return {};
  Note(common::LogLevel::kWarning, "term_lost", {}, {},
       replaced ? "another coordinator took over" : "the database is away");
  term_ = {};
  loaded_ = loading_ = false;
  outstanding_ = 0;
  deferred_.clear();
  if (!replaced) return TakeActions();
  std::vector<SessionId> sessions;
  for (const auto& [id, session] : registry_.sessions()) sessions.push_back(id);
  for (const SessionId id : sessions) {
    budget_.Leave(id, now);
    registry_.Close(id, now);
  }
  leases_.Clear();
  queue_.Clear();
  open_.clear();
  run_.reset();
  queued_.clear();
  return TakeActions();
}

Actions Scheduler::Answer(Term term, LedgerAnswer answer, Instant now) {
  if (term != term_ || outstanding_ == 0) {
    ++counters_.stale;
    return {};
  }
  --outstanding_;
  std::visit(
      [&](auto& one) {
        using T = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<T, Loaded>) {
          OnLoaded(std::move(one), now);
        } else if constexpr (std::is_same_v<T, Planned>) {
          OnPlanned(std::move(one), now);
        } else if constexpr (std::is_same_v<T, Prepared>) {
          OnPrepared(std::move(one), now);
        } else if constexpr (std::is_same_v<T, Granted>) {
          OnGranted(one, now);
        } else if constexpr (std::is_same_v<T, FinishedAnswer>) {
          OnFinishedAnswer(one, now);
        } else if constexpr (std::is_same_v<T, Reclaimed>) {
          OnReclaimed(one, now);
        } else if constexpr (std::is_same_v<T, SplitAnswer>) {
          OnSplit(one, now);
        } else if constexpr (std::is_same_v<T, Scheduled>) {
          OnScheduled(std::move(one), now);
        } else {
          OnRunClosed(one, now);
        }
      },
      answer);
  TickRun(now);
  Assign(now);
  return TakeActions();
}

// --- Time --------------------------------------------------------------------------------------

Actions Scheduler::Tick(Instant now) {
  budget_.Divide(now);
  TickSessions(now);
  TickLeases(now);
  TickRun(now);
  Assign(now);
  constexpr common::Duration kRemembered = std::chrono::minutes(10);
  registry_.ForgetGone(now - kRemembered);
  return TakeActions();
}

void Scheduler::WantResync() {
  (loading_ ? resync_again_ : resync_wanted_) = loading_ || loaded_;
}

Actions Scheduler::Resync(Instant now) {
  WantResync();
  TickRun(now);
  return TakeActions();
}

}  // namespace coordinator
