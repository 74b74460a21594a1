// The coordinator's core: no socket, no database, no clock, no thread.
//
// Events go in, actions come out in the order in which they are to be performed. What it promises:
// a chunk has at most one live lease; nothing is granted, finished or taken back before the ledger
// has it in writing; a message of an older session, term or epoch has no effect; whatever is lost
// on the way is said again. While the ledger is away, heartbeats go on and nothing is granted.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/logging.h"
#include "coordinator/chunk_queue.h"
#include "coordinator/lease_table.h"
#include "coordinator/ledger.h"
#include "coordinator/rate_budget.h"
#include "coordinator/status.h"
#include "coordinator/worker_registry.h"
#include "proto/channel.h"
#include "proto/seine.pb.h"

namespace coordinator {

struct SchedulerTimings {
  common::Duration heartbeat = std::chrono::seconds(1);
  common::Duration suspect = std::chrono::seconds(3);    // silence until no new work
  common::Duration lease = std::chrono::seconds(15);     // from the last BEAT
  common::Duration grace = std::chrono::seconds(2);      // for who comes back after a cut
  common::Duration adoption = std::chrono::seconds(15);  // for holders of inherited leases
  common::Duration stall = std::chrono::seconds(120);
  common::Duration assign_again = std::chrono::seconds(2);
  common::Duration recall_again = std::chrono::seconds(5);
  common::Duration schedule = std::chrono::seconds(2);  // between two looks at it
  common::Duration storm =
      std::chrono::seconds(60);  // for which deaths of innocents are held in mind
};

struct SendAction {
  proto::ConnectionId connection;
  proto::Envelope message;
};
struct LedgerAction {
  common::Term term;
  LedgerRequest request;
};
// An event for the log.
struct NoteAction {
  common::LogLevel level = common::LogLevel::kInfo;
  std::string event;
  common::WorkerId worker;
  common::ChunkId chunk;
  std::string text;
};
using Action = std::variant<SendAction, LedgerAction, NoteAction>;
using Actions = std::vector<Action>;

// Leases of one session at most, if some of them go beyond its credit.
inline constexpr std::size_t kLeasesWithUrgent = 5;

class Scheduler {
 public:
  Scheduler(SchedulerTimings timings, std::vector<EndpointLimit> limits);

  // The transport.
  Actions Receive(const proto::Incoming& incoming, common::Instant now);
  // A send found that the connection does not exist any more.
  Actions ConnectionGone(const proto::ConnectionId& connection, common::Instant now);

  // The ledger. Answers to what was asked under an older term are ignored.
  Actions HoldTerm(common::Term term, common::Instant now);
  // `replaced`: somebody else coordinates now. Otherwise the database is away, and heartbeats go
  // on.
  Actions LoseTerm(bool replaced, common::Instant now);
  Actions Answer(common::Term term, LedgerAnswer answer, common::Instant now);

  // Call it some ten times a second.
  Actions Tick(common::Instant now);

  // The operator. Settings and runs were changed in the database.
  Actions Resync(common::Instant now);
  // False in the second: no such worker is here.
  std::pair<Actions, bool> OrderDrain(const common::WorkerId& worker, proto::DrainMode mode,
                                      common::Instant now);

  FleetStatus status(common::Instant now) const;
  const LeaseTable& leases() const { return leases_; }
  const WorkerRegistry& registry() const { return registry_; }
  const RateBudget& budget() const { return budget_; }
  const Counters& counters() const { return counters_; }
  bool active() const { return loaded_; }
  bool idle() const { return loaded_ && !run_ && queued_.empty(); }

 private:
  struct Asking {  // a grant on its way through the ledger
    common::SessionId session;
    ChunkQueue::Entry entry;
  };
  struct Sample {
    common::Instant at;
    std::int64_t wallets = 0;
    std::int64_t trades = 0;
    std::int64_t requests = 0;
  };
  enum class End : std::uint8_t { kBye, kDeath };
  // What became of who held a lease; alone: it was working on nothing else.
  enum class Holder : std::uint8_t { kLives, kDied, kDiedAlone };
  // A process whose place a newer one has taken, until it is known whether it was dead already.
  struct Replaced {
    proto::ConnectionId connection;
    bool dead = false;
    common::Instant at;
    std::map<common::ChunkId, Lease::Phase> chunks;  // as they stood
  };

  // scheduler.cpp
  Actions TakeActions();
  void Send(const proto::ConnectionId& connection, proto::Envelope message);
  void Ask(LedgerRequest request);
  void Note(common::LogLevel level, std::string event, common::WorkerId worker,
            common::ChunkId chunk = {}, std::string text = {});
  void Dispatch(Session& session, const proto::Envelope& message, common::Instant now);

  // scheduler_sessions.cpp
  void OnHello(const proto::Incoming& incoming, common::Instant now);
  bool RefuseHello(const proto::Incoming& incoming, const common::WorkerId& worker,
                   common::Instant now);
  void TakeOver(Session& older, common::Instant now);
  void Welcome(Session& session, const proto::Hello& hello, common::Instant now);
  void SendWelcome(const Session& session);
  void Reject(const proto::ConnectionId& connection, proto::Reject::Reason reason,
              std::string text);
  void EndSession(common::SessionId id, End end, common::Instant now);
  void TickSessions(common::Instant now);
  void TickStalled(Session& session, common::Instant now);
  bool MayWork(const Session& session, common::Instant now) const;

  // scheduler_beats.cpp
  void OnBeat(Session& session, const proto::Beat& beat, common::Instant now);
  void TakeTotals(Session& session, const proto::Beat& beat, common::Instant now);
  void SendBeatAck(const Session& session);

  // scheduler_leases.cpp
  void Assign(common::Instant now);
  bool AssignOne(Session& session, GrantRequest& request, common::Instant now);
  void OnPrepared(Prepared prepared, common::Instant now);
  void OnGranted(const Granted& granted, common::Instant now);
  void SendAssign(const Session& session, Lease& lease, common::Instant now);
  void OnAccept(const Session& session, const proto::Accept& accept, common::Instant now);
  void OnFinished(const Session& session, const proto::Finished& finished);
  void OnFinishedAnswer(const FinishedAnswer& answer, common::Instant now);

  // scheduler_returns.cpp
  void OnRelease(Session& session, const proto::Release& release, common::Instant now);
  void OnSplit(const SplitAnswer& answer, common::Instant now);
  void OnFencedByStore(const Session& session, const proto::Fenced& fenced);
  void SendFenced(const Lease& lease);
  void SendRecall(const Session& session, Lease& lease, common::Instant now);
  void Balance(common::Instant now);
  std::uint32_t NotBegun(const Lease& lease) const;
  std::uint32_t IdleSessions(common::Instant now) const;

  // scheduler_deaths.cpp
  void TickReplaced(common::Instant now);
  void TakeBack(const std::vector<common::ChunkId>& chunks, bool died, common::Instant now);
  // Workers die of something else than their wallets.
  bool Storm(common::Instant now);
  // Who is to be blamed for the death of this lease's holder.
  void Accuse(const Lease& lease, Holder holder, ReclaimRequest& request, common::Instant now);
  // Asks for the lease back.
  void Reclaim(Lease& lease, Holder holder, common::Instant now);
  void OnReclaimed(Reclaimed reclaimed, common::Instant now);
  void TickLeases(common::Instant now);

  // scheduler_runs.cpp
  void OnLoaded(Loaded loaded, common::Instant now);
  void MergeLease(const ChunkRow& row, common::Instant now);
  void OnPlanned(Planned planned, common::Instant now);
  void OnRunClosed(const RunClosed& closed, common::Instant now);
  void OnNextStage(const RunClosed& closed);
  void OnScheduled(Scheduled scheduled, common::Instant now);
  int FleetSize() const;
  void CountDone(std::int64_t done, std::int64_t failed);
  void AddChunk(const ChunkRow& chunk, common::Instant now);
  void AddChunks(const std::vector<ChunkRow>& chunks, common::Instant now);
  void TickRun(common::Instant now);
  void WantResync();
  RunUse TakeUse();
  RunRow RunNow() const;
  WorkerStatus StatusOf(const Session& session, common::Instant now) const;

  SchedulerTimings timings_;  // constant after construction

  WorkerRegistry registry_;
  LeaseTable leases_;
  ChunkQueue queue_;
  RateBudget budget_;
  Counters counters_;

  common::Term term_;
  bool loaded_ = false;
  bool resync_wanted_ = false;
  bool resync_again_ = false;  // wanted anew while the ledger was being read
  bool loading_ = false;
  bool asked_grant_ = false;
  bool asked_content_ = false;
  bool asked_run_ = false;  // a plan, or a stage's or run's end
  bool asked_schedule_ = false;
  std::uint64_t outstanding_ = 0;
  std::vector<LedgerRequest> deferred_;  // until the ledger has been read
  std::uint64_t sessions_opened_ = 0;
  common::Instant loaded_at_{};

  std::optional<RunRow> run_;
  std::vector<common::RunId> queued_;
  FleetSettings settings_;
  std::vector<ScheduleRow> schedule_;
  common::Instant schedule_at_{};
  common::Instant impostor_noted_at_{};
  std::map<common::ChunkId, ChunkRow> open_;  // of the active run: pending, asking or leased
  std::map<common::ChunkId, Asking> asking_;
  RunUse use_;  // not written down yet
  std::deque<Sample> samples_;

  std::map<common::Epoch, common::ChunkId> done_;  // the newest ones, for late FINISHED
  std::map<common::ChunkId, int> silent_deaths_;   // died with before any BEAT told what it did
  std::set<common::ChunkId> lonely_deaths_;        // chunks of one wallet that somebody died with
  std::deque<common::Instant> innocent_deaths_;    // that no suspect explains
  bool took_over_ = false;                         // leases of an earlier term were found
  std::deque<Replaced> replaced_;
  common::SessionId served_last_;

  Actions actions_;  // of the event at hand
};

}  // namespace coordinator
