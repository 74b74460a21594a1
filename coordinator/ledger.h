// The truth about runs, chunks and epochs, behind one seam: PostgreSQL in the program, memory in
// tests.
//
// Every write is conditional on the term: a coordinator that has lost it writes nothing. Every
// request may be offered again after a failure in doubt. A ledger belongs to one thread, the ledger
// loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/trade.h"

namespace coordinator {

// What is known of an open chunk without its wallets.
struct ChunkRow {
  enum class State : std::uint8_t { kPending, kLeased, kDone };

  common::ChunkId id;
  common::RunId run;
  std::string kind;  // "trades", "markets", ...: what a worker does with it
  common::Epoch epoch;
  State state = State::kPending;
  common::WorkerId owner;
  int round = 0;              // 0: first try; n: the n-th retry of failed wallets
  common::Duration due_in{};  // a retry waits that long from now
  std::uint32_t wallets = 0;
  std::int64_t weight = 0;
  bool suspect = false;  // one wallet that may have killed a worker: it runs alone
  // Its holder died: it goes before all others, also to workers that have no credit left. In memory
  // only; a coordinator that is restarted takes it for any other.
  bool urgent = false;
};

// A wallet of a chunk of trades. In a chunk of any other kind it is a unit: `id` is the unit's, and
// the address and the cursors are empty.
struct WalletRow {
  common::WalletId id;
  common::WalletAddress address;
  std::vector<common::Cursor> cursors;
  bool has_trades = false;
  std::string task = {};                // of a unit
  std::string position = {};            // of a unit's walk
  common::UnixSeconds complete_to = 0;  // of a unit
};

// A pending chunk with the wallets that its run has not done yet. Good for a grant as long as the
// chunk's epoch is this one: nobody writes these wallets meanwhile.
struct ChunkContent {
  common::ChunkId chunk;
  common::Epoch epoch;
  std::vector<WalletRow> wallets;
};

// One stage of a run: its units are wallets, or units of work.
struct StageRow {
  std::string kind;
  std::int64_t total = 0;  // 0 also for a stage that is not planned yet
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

struct RunRow {
  common::RunId id;
  std::string kind;
  std::string source;
  std::string state;    // queued, running, finished, cancelled
  std::string outcome;  // empty: none yet
  common::UnixSeconds requested_at = 0;
  common::UnixSeconds started_at = 0;   // 0: not yet
  common::UnixSeconds finished_at = 0;  // 0: not yet
  int stage = 1;                        // the one under way, from 1
  std::vector<StageRow> stages;
  // Of all stages that are planned. Units count as wallets do.
  std::int64_t wallets_total = 0;
  std::int64_t wallets_done = 0;
  std::int64_t wallets_failed = 0;  // quarantined ones included
  std::int64_t wallets_quarantined = 0;
  std::int64_t chunks_total = 0;
  std::int64_t chunks_done = 0;
  std::int64_t trades = 0;
  std::int64_t requests = 0;
  std::int64_t retries = 0;
  std::int64_t throttled = 0;
};

// What the fleet did for a run since it was last written down.
// An entry of the schedule as the operator wants it.
struct ScheduleWish {
  std::string name;
  std::int64_t every_s = 0;
  bool enabled = true;
};

struct RunUse {
  std::int64_t trades = 0;
  std::int64_t requests = 0;
  std::int64_t retries = 0;
  std::int64_t throttled = 0;
};

struct FleetSettings {
  bool paused = false;
  int desired = 0;
  std::vector<std::string> stopped;
};

struct WalletFailure {
  common::WalletId wallet;
  bool final = false;  // never again as it is
  std::string reason;
  bool alone = false;  // its next try is a chunk of its own
};

// --- Requests and their answers ----------------------------------------------------------------

struct LoadRequest {};
struct Loaded {
  std::optional<RunRow> active;
  std::vector<ChunkRow> open;  // of the active run
  std::vector<common::RunId> queued;
  FleetSettings settings;
};

// Cuts a queued run into chunks for a fleet of `workers`.
struct PlanRequest {
  common::RunId run;
  int workers = 1;
};
struct Planned {
  RunRow run;
  std::vector<ChunkRow> chunks;
};

struct PrepareRequest {
  std::vector<common::ChunkId> chunks;
};
struct Prepared {
  std::vector<ChunkContent> contents;  // only of those that are pending
};

struct GrantWish {
  common::ChunkId chunk;
  common::Epoch epoch;  // as it was prepared
  common::WorkerId worker;
};
struct GrantRequest {
  std::vector<GrantWish> wishes;
};
struct Granted {
  struct One {
    common::ChunkId chunk;
    std::optional<common::Epoch> epoch;  // nothing: the chunk is not what it was
  };
  std::vector<One> grants;
};

// The holder's last word, or that nothing is left to do in a pending chunk. Plans the retries.
struct FinishRequest {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  std::vector<WalletFailure> failures;
  RunUse use;
};
struct FinishedAnswer {
  common::ChunkId chunk;
  common::Epoch epoch;
  bool closed = false;  // false: the lease was lost before
  std::vector<ChunkRow> created;
  std::int64_t wallets_done = 0;  // by this chunk
  std::int64_t failed_now = 0;    // wallets that have left the run for good
};

// Takes a lease back. `suspects` were in flight when the holder died: each goes on alone. With
// `strike` the holder had nothing else in hand and the death is held against the chunk's only
// wallet. Wallets that got further under this very lease are not to blame.
struct ReclaimRequest {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  common::WorkerId worker;
  std::vector<common::WalletId> suspects;
  bool strike = false;
  std::uint32_t pieces = 1;   // more: what remains is cut into that many chunks
  bool all_suspects = false;  // nothing told which were in flight
};
struct Reclaimed {
  ChunkRow chunk;  // as it is now
  std::vector<ChunkRow> created;
  std::vector<common::WalletId> quarantined;
  std::int64_t wallets_done = 0;  // that left the chunk with this
};

// Moves wallets that the holder has not begun out of a leased chunk, into `pieces` new ones.
struct SplitRequest {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  std::vector<common::WalletId> wallets;
  std::uint32_t pieces = 1;
};
struct SplitAnswer {
  common::ChunkId chunk;
  common::Epoch epoch;
  std::uint32_t wallets_left = 0;
  std::vector<ChunkRow> created;
};

// All chunks are done. Wallets that nobody answered for come back as a chunk; else the next stage
// is planned for a fleet of `workers`; else the run is finished.
struct CloseRunRequest {
  common::RunId run;
  RunUse use;
  int workers = 1;
};
struct RunClosed {
  RunRow run;
  std::vector<ChunkRow> created;
};

// Queues the runs whose time has come by the schedule.
struct ScheduleRequest {};
struct ScheduleRow {
  std::string name;
  std::int64_t every_s = 0;
  bool enabled = false;
  common::UnixSeconds next_at = 0;
  std::int64_t last_run = 0;  // 0: none yet
};
struct Scheduled {
  std::vector<ScheduleRow> schedule;
  std::vector<common::RunId> queued;  // just now
};

using LedgerRequest =
    std::variant<LoadRequest, PlanRequest, PrepareRequest, GrantRequest, FinishRequest,
                 ReclaimRequest, SplitRequest, CloseRunRequest, ScheduleRequest>;
using LedgerAnswer = std::variant<Loaded, Planned, Prepared, Granted, FinishedAnswer, Reclaimed,
                                  SplitAnswer, RunClosed, Scheduled>;

// Rounds of retries for wallets that failed, with the wait before each.
inline constexpr int kRetryRounds = 3;
inline constexpr common::Duration kRetryDelays[kRetryRounds] = {
    std::chrono::seconds(5), std::chrono::seconds(20), std::chrono::seconds(60)};
// Deaths of a worker with one wallet alone in flight, within 72 h, until it is quarantined.
inline constexpr int kBlamesToQuarantine = 3;

class Ledger {
 public:
  virtual ~Ledger() = default;

  // Becomes or stays the coordinator. `current` is the term held so far, 0 for none. kRejected:
  // somebody else coordinates; kTransient: the database is away.
  virtual common::Result<common::Term> HoldTerm(common::Term current) = 0;
  // kRejected: the term is lost.
  virtual common::Result<LedgerAnswer> Perform(common::Term term, const LedgerRequest& request) = 0;
};

}  // namespace coordinator
