// The protocol with the coordinator from the worker's side: no socket, no clock, no work.
//
// Events go in, actions come out in the order in which they are to be performed. A session outlives
// connections and coordinators: leases are kept while the coordinator is away, and WELCOME says
// which of them are still good. What it promises: a chunk is started once for each grant, credit
// never leaks, FINISHED is said until it is acknowledged, and nothing from an older session, term
// or epoch has an effect.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/pacing.h"
#include "common/random.h"
#include "proto/seine.pb.h"
#include "worker/chunk.h"

namespace worker {

// How a program ends: see the table of exit codes in docs/operations.md.
inline constexpr int kExitDrained = 0;
inline constexpr int kExitLost = 1;
inline constexpr int kExitNotAuthorised = 77;
inline constexpr int kExitFenced = 78;

struct SendMessage {
  proto::Envelope message;
};
// A new socket in place of the old one.
struct OpenSocket {};
// Remember the term durably before anything that follows.
struct KeepTerm {
  common::Term term;
};
struct SetRates {
  std::vector<proto::RateShare> rates;
};
struct StartChunk {
  ChunkTask task;
};
// The lease is lost: drop all of it, write nothing more. The session has forgotten it already.
struct AbandonChunk {
  Lease lease;
};
// Take back the wallets that are not begun, and answer with Session::Released.
struct GiveBack {
  Lease lease;
  proto::Release::Reason reason;
};
// Ask for nothing more, commit what is fetched, then answer with Session::Released(whole).
struct StopChunk {
  Lease lease;
};
struct Exit {
  int code = 0;
  bool at_once = false;  // as if killed: no farewell, nothing is flushed
  std::string reason;    // one line for the log
};
using SessionAction = std::variant<SendMessage, OpenSocket, KeepTerm, SetRates, StartChunk,
                                   AbandonChunk, GiveBack, StopChunk, Exit>;
using SessionActions = std::vector<SessionAction>;

struct SessionIdentity {
  common::WorkerId worker;
  std::string incarnation;  // 16 random bytes, new for every process
  std::string host;
  int pid = 0;
  std::string state_dir_id;
  std::string version;
};

struct SessionTimings {
  common::Duration greeting = std::chrono::seconds(1);          // between two HELLO
  common::Duration coordinator_lost = std::chrono::seconds(5);  // silence before a new socket
  common::Duration finished_again = std::chrono::seconds(2);    // until DONE_ACK
  common::Duration drain = std::chrono::seconds(25);            // graceful, then quick
  common::Duration drain_quick = std::chrono::seconds(3);       // quick, then exit all the same
  common::BackoffPolicy reconnect{std::chrono::milliseconds(200), std::chrono::seconds(5)};
};

class Session {
 public:
  // One chunk running and one waiting: the next is there when the first ends.
  static constexpr std::uint64_t kChunksHeld = 2;
  // With those that only wait for tokens or for their DONE_ACK.
  static constexpr std::uint64_t kLeasesHeld = 8;

  Session(SessionIdentity identity, common::Term highest_term, std::uint64_t seed,
          SessionTimings timings = {});

  SessionActions Start(common::Instant now);

  // The transport. A connection that is new to the coordinator begins with HELLO.
  SessionActions Connected(common::Instant now);
  SessionActions Disconnected(common::Instant now);
  SessionActions KeyRefused();

  SessionActions Receive(const proto::Envelope& message, common::Instant now);

  // `vitals` is what a BEAT is to say beyond session and sequence; it is looked at only if
  // BeatDue(now).
  SessionActions Tick(common::Instant now, proto::Beat vitals);
  bool BeatDue(common::Instant now) const;
  // More wallets are in flight than the last BEAT has told: the next one comes sooner.
  void HastenBeat();
  // The next Tick beats: so that totals are told before a chunk's FINISHED.
  void BeatNext() { beat_at_ = beaten_at_; }
  // When Tick has something to do next.
  common::Instant NextAt() const;

  // Everything of the chunk is durably stored or failed.
  SessionActions Finished(const Lease& lease, const std::vector<WalletOutcome>& outcomes,
                          std::uint64_t rows, common::Instant now);
  // These wallets will not be done under this lease; `whole`: it holds nothing more at all.
  SessionActions Released(const Lease& lease, const std::vector<common::WalletId>& wallets,
                          bool whole, proto::Release::Reason reason, common::Instant now);
  // All of it is stored, and only questions about tokens are open: the chunk still holds its lease,
  // but takes no place from the next one.
  SessionActions Stored(const Lease& lease);
  // The database refused to write under this lease.
  SessionActions FencedByStore(const Lease& lease, common::Instant now);
  // Whether more work could be done at all: database up, room in the store's mailbox.
  SessionActions SetWilling(bool willing, common::Instant now);
  // Never goes back from quick to graceful. A zero deadline means the default.
  SessionActions Drain(proto::DrainMode mode, common::Duration deadline, common::Instant now);

  bool established() const { return phase_ == Phase::kEstablished; }
  bool draining() const { return drain_.has_value(); }
  common::Term term() const { return highest_term_; }
  std::uint64_t stale() const { return stale_; }
  std::uint64_t reconnects() const { return reconnects_; }
  std::vector<Lease> leases() const;

 private:
  enum class Phase : std::uint8_t { kSilent, kGreeting, kEstablished, kEnded };
  enum class Fate : std::uint8_t { kHeld, kFinished, kReleased, kLost };

  struct Held {
    std::vector<common::WalletId> released;
    proto::Release::Reason release_reason = proto::Release::UNSPECIFIED;
    bool stored = false;
    std::optional<proto::Finished> finished;
    common::Instant finished_again_at{};
  };
  // A grant that came in, with what became of it; a late ASSIGN or RECALL is answered from here.
  struct Seen {
    common::ChunkId chunk;
    Fate fate = Fate::kHeld;
    proto::Release::Reason reason = proto::Release::UNSPECIFIED;
    std::uint64_t counted_in = 0;  // the session whose credit it used
  };
  struct DrainState {
    proto::DrainMode mode = proto::GRACEFUL;
    common::Instant deadline{};
  };

  void Greet(common::Instant now);
  void SendHello(common::Instant now);
  void Send(proto::Envelope message);
  void SendBeat(proto::Beat vitals, common::Instant now);
  void SendCredit();
  void SendFinished(const Lease& lease, Held& held, common::Instant now);
  void SendRelease(const Lease& lease, const std::vector<common::WalletId>& wallets,
                   proto::Release::Reason reason);
  void SendDraining();

  void OnWelcome(const proto::Welcome& welcome, common::Instant now);
  void OnReject(const proto::Reject& reject, common::Instant now);
  void OnAssign(const proto::Assign& assign, common::Instant now);
  void OnBeatAck(const proto::BeatAck& ack);
  void OnDoneAck(const proto::DoneAck& ack, common::Instant now);
  void OnRecall(const proto::Recall& recall);
  void OnFenced(const proto::Fenced& fenced, common::Instant now);

  void TakeGrant(const Lease& lease, const proto::Assign& assign);
  bool AnswerSeen(const Lease& lease);
  void Forget(const Lease& lease, Fate fate, proto::Release::Reason reason);
  void CountGrant(const Lease& lease);
  bool RaiseTerm(common::Term term);
  void ApplyDrain(common::Instant now);
  void CheckDrained(common::Instant now);
  void End(int code, bool at_once, std::string reason);
  std::uint64_t Running() const;
  bool IsCurrent(std::uint64_t session) const;
  SessionActions TakeActions();

  // Constant after construction.
  const SessionIdentity identity_;
  const SessionTimings timings_;

  common::Random random_;
  common::Backoff reconnect_;
  Phase phase_ = Phase::kSilent;
  common::Term highest_term_;
  std::uint64_t session_ = 0;
  common::Duration heartbeat_ = std::chrono::seconds(1);
  common::Instant heard_at_{};                          // or when the socket was opened
  common::Instant reopen_at_ = common::Instant::max();  // while silent
  common::Instant hello_at_{};
  common::Instant beat_at_{};
  common::Instant beaten_at_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t granted_ = 0;  // since WELCOME
  std::uint64_t credit_ = 0;   // since WELCOME
  bool willing_ = true;
  std::optional<DrainState> drain_;
  std::map<Lease, Held> held_;
  std::map<common::Epoch, Seen> seen_;  // newest kSeenKept
  std::uint64_t stale_ = 0;
  std::uint64_t reconnects_ = 0;
  SessionActions actions_;  // of the event at hand
};

}  // namespace worker
