// What is going on, as a value: made by the coordinator's loop, read by everybody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "coordinator/ledger.h"
#include "coordinator/rate_budget.h"

namespace coordinator {

struct LeaseStatus {
  common::ChunkId chunk;
  common::Epoch epoch;
  common::RunId run;
  std::uint32_t wallets = 0;
  std::uint32_t wallets_done = 0;
  std::uint64_t rows = 0;
  std::int64_t age_ms = 0;
  std::size_t in_flight = 0;
};

struct WorkerStatus {
  std::string id;
  std::string host;
  int pid = 0;
  std::string state;  // live, suspect, draining, gone
  std::uint64_t session = 0;
  std::int64_t since_ms = 0;      // ago
  std::int64_t last_beat_ms = 0;  // ago
  std::uint64_t rss_bytes = 0;
  std::uint32_t database_latency_ms = 0;
  std::uint64_t trades = 0;
  std::uint64_t requests = 0;
  std::uint64_t throttled = 0;
  std::uint64_t retries = 0;
  std::vector<LeaseStatus> leases;
};

struct RunStatus {
  RunRow row;  // counts as of now, work under way included
  bool planning = false;
  std::int64_t chunks_pending = 0;
  std::int64_t chunks_leased = 0;
  double trades_per_s = 0;
  double requests_per_s = 0;
  std::optional<std::int64_t> eta_s;
};

struct Counters {
  std::uint64_t stale = 0;      // messages of an older session, term or epoch
  std::uint64_t malformed = 0;  // messages that make no sense here
  std::uint64_t unknown_sessions = 0;
  std::uint64_t fenced = 0;     // leases and processes told to stop
  std::uint64_t releases = 0;   // chunks given back by their holder
  std::uint64_t reclaims = 0;   // chunks taken back from a holder that was gone
  std::uint64_t takeovers = 0;  // processes replaced by a newer one of the same id
  std::uint64_t duplicates = 0;
  std::uint64_t deaths = 0;   // sessions that ended without BYE
  std::uint64_t resends = 0;  // ASSIGN said again
  std::uint64_t recalls = 0;
  std::uint64_t grants = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t adopted = 0;  // leases taken over from an earlier term or session
};

struct FleetStatus {
  common::Term term;
  bool active = false;  // the term is held and the ledger has been read
  bool paused = false;
  FleetSettings settings;
  int live = 0;
  std::optional<RunStatus> run;
  std::vector<common::RunId> queued;
  std::vector<ScheduleRow> schedule;
  std::vector<WorkerStatus> workers;
  std::vector<RateBudget::Status> rates;
  Counters counters;
};

}  // namespace coordinator
