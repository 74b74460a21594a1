// Sessions: HELLO to BYE, and everything that can happen instead of a BYE.

#include <algorithm>
#include <utility>

#include "coordinator/scheduler.h"
#include "proto/codec.h"

namespace coordinator {
namespace {

using common::Duration;
using common::Instant;
using common::LogLevel;
using common::SessionId;
using common::WorkerId;

constexpr std::size_t kTakeoversAllowed = 3;
constexpr Duration kTakeoverWindow = std::chrono::seconds(60);
constexpr std::size_t kSupersededKept = 16;
constexpr Duration kOrderAgain = std::chrono::seconds(1);
constexpr std::uint32_t kDrainDeadline_ms = 25'000;

std::uint32_t Millis(Duration duration) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

void Scheduler::Reject(const proto::ConnectionId& connection, proto::Reject::Reason reason,
                       std::string text) {
  proto::Envelope message;
  message.mutable_reject()->set_reason(reason);
  message.mutable_reject()->set_text(std::move(text));
  Send(connection, std::move(message));
}

bool Scheduler::RefuseHello(const proto::Incoming& incoming, const WorkerId& worker, Instant now) {
  const proto::Hello& hello = incoming.message.hello();
  if (incoming.user_id && *incoming.user_id != worker) {
    ++counters_.malformed;
    // Not as often as it likes.
    if (now >= impostor_noted_at_ + std::chrono::seconds(1)) {
      impostor_noted_at_ = now;
      Note(LogLevel::kWarning, "impostor", *incoming.user_id, {}, "says it is " + worker.value);
    }
    Reject(incoming.connection, proto::Reject::NOT_AUTHORISED, "the key is another worker's");
    return true;
  }
  if (hello.protocol_min() > proto::kProtocolMax || hello.protocol_max() < proto::kProtocolMin) {
    Reject(incoming.connection, proto::Reject::VERSION, "this coordinator is " SEINE_VERSION);
    return true;
  }
  if (hello.highest_term() > term_.value) {
    ++counters_.stale;
    Reject(incoming.connection, proto::Reject::STALE_TERM, "a newer coordinator has been here");
    return true;
  }
  WorkerRecord& record = registry_.Record(worker);
  const auto& old = record.superseded;
  if (std::find(old.begin(), old.end(), hello.incarnation()) != old.end()) {
    ++counters_.fenced;
    Reject(incoming.connection, proto::Reject::DUPLICATE, "a newer process has this id");
    return true;
  }
  while (!record.takeovers.empty() && now - record.takeovers.front().at > kTakeoverWindow) {
    record.takeovers.pop_front();
  }
  const Session* const current = registry_.Of(worker);
  if (current != nullptr && current->incarnation != hello.incarnation() &&
      record.takeovers.size() >= kTakeoversAllowed) {
    ++counters_.duplicates;
    Note(LogLevel::kError, "duplicate_worker", worker, {}, "several processes take its id in turn");
    Reject(incoming.connection, proto::Reject::DUPLICATE, "several processes take this id in turn");
    return true;
  }
  return false;
}

void Scheduler::OnHello(const proto::Incoming& incoming, Instant now) {
  if (!loaded_) return;  // It is said again every second.
  const proto::Hello& hello = incoming.message.hello();
  const auto worker = common::ParseWorkerId(hello.worker_id());
  if (!worker || hello.incarnation().empty()) {
    ++counters_.malformed;
    return;
  }
  if (RefuseHello(incoming, *worker, now)) return;
  std::optional<proto::DrainMode> order;  // which it may not have heard
  if (Session* const current = registry_.Of(*worker)) {
    const bool same_process = current->incarnation == hello.incarnation();
    if (same_process && current->connection == incoming.connection && !current->heard) {
      return SendWelcome(*current);
    }
    if (same_process) {
      order = current->order;
      budget_.Leave(current->id, now);
      for (const auto chunk : leases_.OfSession(current->id)) {
        leases_.Orphan(*leases_.Find(chunk));
      }
      registry_.Close(current->id, now);
    } else {
      TakeOver(*current, now);
    }
  }
  // Whoever spoke through this connection before does so no more.
  if (const Session* const other = registry_.On(incoming.connection)) {
    EndSession(other->id, End::kBye, now);
  }
  Session session;
  session.id = SessionId{(static_cast<std::uint64_t>(term_.value) << 24U) + ++sessions_opened_};
  session.worker = *worker;
  session.incarnation = hello.incarnation();
  session.order = order;
  session.connection = incoming.connection;
  session.host = hello.host();
  session.pid = hello.pid();
  session.version = hello.version();
  session.since = session.heard_at = session.progress_at = session.probed_at = now;
  Welcome(registry_.Open(std::move(session)), hello, now);
}

// The newest process wins. Its predecessor may be dead, or another supervisor's.
void Scheduler::TakeOver(Session& older, Instant now) {
  ++counters_.takeovers;
  WorkerRecord& record = registry_.Record(older.worker);
  record.superseded.push_back(older.incarnation);
  if (record.superseded.size() > kSupersededKept) record.superseded.pop_front();
  const bool known_dead = older.gone_at.has_value();
  if (!known_dead) {
    record.takeovers.push_back({now, older.connection});
    ++counters_.fenced;
    proto::Envelope message;
    message.mutable_fenced()->set_session(older.id.value);
    Send(older.connection, std::move(message));
  }
  Note(LogLevel::kInfo, "worker_replaced", older.worker);
  // Whether it is dead is known when that send has been tried; its leases are gone either way.
  Replaced replaced{older.connection, known_dead, now, {}};
  for (const common::ChunkId chunk : leases_.OfSession(older.id)) {
    Lease& lease = *leases_.Find(chunk);
    leases_.Orphan(lease);
    if (lease.phase == Lease::Phase::kEnding) continue;
    replaced.chunks[chunk] = std::exchange(lease.phase, Lease::Phase::kEnding);
  }
  replaced_.push_back(std::move(replaced));
  budget_.Leave(older.id, now);
  registry_.Close(older.id, now);
}

void Scheduler::Welcome(Session& session, const proto::Hello& hello, Instant now) {
  budget_.Join(session.id, now);
  for (const common::ChunkId chunk : leases_.OfWorker(session.worker)) {
    Lease& lease = *leases_.Find(chunk);
    if (lease.phase == Lease::Phase::kEnding && !lease.finished) continue;
    const bool held = std::any_of(hello.held().begin(), hello.held().end(), [&](const auto& ref) {
      return ref.chunk() == chunk.value && ref.epoch() == lease.chunk.epoch.value;
    });
    if (!held) {
      if (lease.phase != Lease::Phase::kEnding) Reclaim(lease, Holder::kLives, now);
      continue;
    }
    ++counters_.adopted;
    leases_.GiveTo(lease, session.id);
    lease.renewed_at = now;
    if (lease.phase != Lease::Phase::kEnding) lease.phase = Lease::Phase::kAccepted;
    lease.offer.clear();
  }
  Note(LogLevel::kInfo, "worker_joined", session.worker, {}, session.host);
  SendWelcome(session);
}

void Scheduler::SendWelcome(const Session& session) {
  proto::Envelope message;
  proto::Welcome& welcome = *message.mutable_welcome();
  welcome.set_session(session.id.value);
  welcome.set_term(term_.value);
  welcome.set_heartbeat_ms(Millis(timings_.heartbeat));
  welcome.set_lease_ms(Millis(timings_.lease));
  for (const common::ChunkId chunk : leases_.OfSession(session.id)) {
    const Lease& lease = *leases_.Find(chunk);
    if (lease.phase == Lease::Phase::kEnding && !lease.finished) continue;
    proto::ChunkRef& kept = *welcome.add_kept();
    kept.set_chunk(chunk.value);
    kept.set_epoch(lease.chunk.epoch.value);
  }
  for (const RateBudget::Share& share : budget_.SharesOf(session.id)) {
    proto::RateShare& rate = *welcome.add_rates();
    rate.set_endpoint(share.endpoint);
    rate.set_per_second(share.per_s);
    rate.set_burst(share.burst);
  }
  Send(session.connection, std::move(message));
}

// --- Ends --------------------------------------------------------------------------------------

bool Scheduler::MayWork(const Session& session, Instant now) const {
  return !session.draining && !session.gone_at && !session.stalled && !session.order &&
         now - session.heard_at < timings_.suspect;
}

void Scheduler::EndSession(SessionId id, End end, Instant now) {
  const std::optional<Session> session = registry_.Close(id, now);
  if (!session) return;
  budget_.Leave(id, now);
  const bool died = end == End::kDeath && !session->draining;
  if (died) ++counters_.deaths;
  const std::vector<common::ChunkId> chunks = leases_.OfSession(id);
  for (const common::ChunkId chunk : chunks) leases_.Orphan(*leases_.Find(chunk));
  TakeBack(chunks, died, now);
  Note(died ? LogLevel::kWarning : LogLevel::kInfo, died ? "worker_died" : "worker_left",
       session->worker);
}

void Scheduler::TickSessions(Instant now) {
  TickReplaced(now);
  std::vector<SessionId> dead;
  for (auto& [id, session] : registry_.sessions()) {
    const bool cut = session.gone_at && now - *session.gone_at >= timings_.grace;
    if (cut || now - session.heard_at >= timings_.lease) {
      dead.push_back(id);
      continue;
    }
    // A send is what finds out that a connection is gone.
    if (!session.gone_at && now - session.probed_at >= timings_.heartbeat / 2) {
      session.probed_at = now;
      SendBeatAck(session);
    }
    if (session.order && now - session.order_sent_at >= kOrderAgain) {
      session.order_sent_at = now;
      proto::Envelope message;
      message.mutable_drain()->set_session(id.value);
      message.mutable_drain()->set_mode(*session.order);
      if (*session.order == proto::GRACEFUL) {
        message.mutable_drain()->set_deadline_ms(kDrainDeadline_ms);
      }
      Send(session.connection, std::move(message));
    }
    TickStalled(session, now);
  }
  for (const SessionId id : dead) EndSession(id, End::kDeath, now);
}

// Beats are no progress. First the wallets that are not begun are called back, then everything.
void Scheduler::TickStalled(Session& session, Instant now) {
  const auto held = leases_.OfSession(session.id);
  // While the ledger is away workers cannot commit, and nobody could take over.
  if (!loaded_ || held.empty()) {
    session.progress_at = now;
    session.stalled = false;
    return;
  }
  const Duration still = now - session.progress_at;
  if (still < timings_.stall) return;
  if (!session.stalled) {
    session.stalled = true;
    Note(LogLevel::kWarning, "worker_stalled", session.worker);
  }
  const bool revoke = still >= timings_.stall + 2 * timings_.recall_again;
  for (const common::ChunkId chunk : held) {
    Lease& lease = *leases_.Find(chunk);
    if (lease.phase == Lease::Phase::kEnding) continue;
    if (revoke) {
      SendFenced(lease);
      Reclaim(lease, Holder::kLives, now);
    } else if (!lease.recalled_at || now - *lease.recalled_at >= timings_.recall_again) {
      SendRecall(session, lease, now);
    }
  }
}

std::pair<Actions, bool> Scheduler::OrderDrain(const WorkerId& worker, proto::DrainMode mode,
                                               Instant now) {
  Session* const session = registry_.Of(worker);
  if (session == nullptr) return {TakeActions(), false};
  session->order = mode;
  session->order_sent_at = now - kOrderAgain;
  TickSessions(now);
  return {TakeActions(), true};
}

}  // namespace coordinator
