// What the coordinator says of itself, read from its JSON. Fields that are missing keep their
// defaults, so an older or newer coordinator can be looked at too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"

namespace cli {

// One stage of a run; its units are wallets, or other units of work.
struct StageReply {
  std::string kind;
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

struct RunReply {
  std::int64_t run = 0;
  std::string kind;
  std::string source;
  std::string state;
  std::string outcome;  // empty: none yet
  std::int64_t requested_at = 0;
  std::int64_t started_at = 0;
  std::int64_t finished_at = 0;
  std::int64_t stage = 1;  // the one under way
  std::vector<StageReply> stages;
  std::int64_t wallets_total = 0;
  std::int64_t wallets_done = 0;
  std::int64_t wallets_failed = 0;  // quarantined ones included
  std::int64_t wallets_quarantined = 0;
  std::int64_t chunks_total = 0;
  std::int64_t chunks_pending = 0;
  std::int64_t chunks_leased = 0;
  std::int64_t chunks_done = 0;
  std::int64_t trades = 0;
  std::int64_t requests = 0;
  std::int64_t retries = 0;
  std::int64_t throttled = 0;
  double trades_per_s = 0;
  double requests_per_s = 0;
  std::optional<double> eta_s;

  struct Failed {
    std::string wallet;
    std::string reason;
  };
  std::vector<Failed> failed;  // only where one run was asked for

  bool is_over() const { return state == "finished" || state == "cancelled"; }
};

struct LeaseReply {
  std::int64_t chunk = 0;
  std::int64_t epoch = 0;
  std::int64_t run = 0;
  std::int64_t wallets = 0;
  std::int64_t wallets_done = 0;
  std::int64_t rows = 0;
  std::int64_t age_ms = 0;
  std::int64_t in_flight = 0;
};

struct WorkerReply {
  std::string id;
  std::string host;
  std::int64_t pid = 0;
  std::string state;
  std::int64_t since = 0;
  std::int64_t last_beat_ms = 0;
  std::int64_t rss_bytes = 0;
  double database_latency_ms = 0;
  std::int64_t trades = 0;
  std::int64_t requests = 0;
  std::int64_t throttled = 0;
  std::int64_t retries = 0;
  std::vector<LeaseReply> leases;
};

struct RateReply {
  std::string endpoint;
  double limit_per_second = 0;
  double used_per_second = 0;
  std::int64_t throttled = 0;
};

struct ScheduleReply {
  std::string name;
  bool is_enabled = false;
  std::int64_t every_s = 0;
  std::int64_t next_at = 0;
  std::int64_t last_run = 0;
};

// Of when the copy is. 0: nothing to tell.
struct FreshnessReply {
  std::int64_t now = 0;
  std::int64_t newest_trade = 0;
  std::int64_t ranges_to = 0;  // how far blocks have been told
};

struct StatusReply {
  std::string version;
  std::string state;
  std::int64_t term = 0;
  std::int64_t now = 0;
  std::string database;
  bool is_fleet_known = true;  // else the next two are not read from the database yet
  int desired = 0;
  int live = 0;
  std::vector<std::string> stopped;
  std::optional<RunReply> run;
  std::vector<std::int64_t> queued;
  std::int64_t wallets_total = 0;
  std::int64_t wallets_pending = 0;
  std::int64_t wallets_syncing = 0;
  std::int64_t wallets_completed = 0;
  std::int64_t wallets_failed = 0;
  std::int64_t trades = 0;
  FreshnessReply freshness;
  std::vector<RateReply> rates;
  std::vector<ScheduleReply> schedule;
  std::vector<std::pair<std::string, std::int64_t>> counters;
};

struct PlanReply {
  std::int64_t wallets = 0;
  std::int64_t chunks = 0;
  std::int64_t requests = 0;
  double seconds = 0;
  std::string endpoint;
  double rate_per_second = 0;
};

struct StartedReply {
  std::int64_t run = 0;  // 0: none, for there is nothing to do
  bool is_attached = false;
};

// A run of trades: its units are wallets, and it has no other stage.
bool IsOfWalletsAlone(const RunReply& run);

common::Result<StatusReply> ParseStatus(const std::string& body);
common::Result<std::vector<RunReply>> ParseRuns(const std::string& body);
common::Result<FreshnessReply> ParseFreshness(const std::string& body);
common::Result<RunReply> ParseRun(const std::string& body);
common::Result<std::vector<WorkerReply>> ParseWorkers(const std::string& body);
common::Result<PlanReply> ParsePlan(const std::string& body);
common::Result<StartedReply> ParseStarted(const std::string& body);

}  // namespace cli
