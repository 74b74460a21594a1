// Runs: what the ledger says at the start and after the operator's changes; plan, end, and status.

#include <algorithm>
#include <utility>

#include "coordinator/scheduler.h"

namespace coordinator {
namespace {

using common::ChunkId;
using common::Instant;
using common::LogLevel;

constexpr common::Duration kSampleEvery = std::chrono::seconds(1);
constexpr std::size_t kSamplesKept = 60;
constexpr std::size_t kSamplesForRate = 10;

std::int64_t MillisSince(Instant then, Instant now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count();
}

}  // namespace

// --- Reading the ledger ------------------------------------------------------------------------

void Scheduler::OnLoaded(Loaded loaded, Instant now) {
  loading_ = false;
  // What was changed while this was read may not be in it.
  resync_wanted_ = std::exchange(resync_again_, false);
  if (!loaded_) {
    loaded_at_ = now;
    took_over_ = std::any_of(loaded.open.begin(), loaded.open.end(), [](const ChunkRow& row) {
      return row.state == ChunkRow::State::kLeased;
    });
    done_.clear();
  }
  loaded_ = true;
  settings_ = std::move(loaded.settings);
  queued_ = std::move(loaded.queued);
  if (!run_ || !loaded.active || run_->id != loaded.active->id) samples_.clear();
  run_ = std::move(loaded.active);
  queue_.Clear();
  open_.clear();
  for (const ChunkRow& row : loaded.open) {
    open_[row.id] = row;
    if (row.state == ChunkRow::State::kLeased) {
      MergeLease(row, now);
    } else {
      queue_.Push(row, run_ && run_->kind == "refresh", now);
    }
  }
  std::vector<ChunkId> ended;
  for (const auto& [chunk, lease] : leases_.all()) {
    const auto row = open_.find(chunk);
    const bool same = row != open_.end() && row->second.state == ChunkRow::State::kLeased &&
                      row->second.epoch == lease.chunk.epoch;
    if (!same) ended.push_back(chunk);
  }
  for (const ChunkId chunk : ended) {
    SendFenced(*leases_.Find(chunk));
    leases_.Remove(chunk);
  }
  for (LedgerRequest& request : std::exchange(deferred_, {})) Ask(std::move(request));
  Note(LogLevel::kInfo, "ledger_read", {}, {}, std::to_string(open_.size()) + " open chunks");
}

// A lease that was granted under an earlier term, or whose grant was in doubt, waits for its
// holder's HELLO.
void Scheduler::MergeLease(const ChunkRow& row, Instant now) {
  if (Lease* const known = leases_.Find(row.id, row.epoch)) {
    known->chunk.wallets = row.wallets;
    if (!known->session() && known->phase != Lease::Phase::kEnding) {
      known->phase = Lease::Phase::kInherited;
    }
    return;
  }
  if (const Lease* const older = leases_.Find(row.id)) {
    SendFenced(*older);
    leases_.Remove(row.id);
  }
  Lease lease;
  lease.chunk = row;
  lease.phase = Lease::Phase::kInherited;
  lease.granted_at = lease.renewed_at = now;
  leases_.Add(std::move(lease));
}

void Scheduler::AddChunk(const ChunkRow& chunk, Instant now) {
  if (!run_ || chunk.run != run_->id || leases_.Find(chunk.id) != nullptr ||
      asking_.contains(chunk.id)) {
    return;
  }
  const auto known = open_.find(chunk.id);
  if (known == open_.end()) {
    ++run_->chunks_total;
  } else if (queue_.Contains(chunk.id) && known->second.epoch == chunk.epoch) {
    return;
  }
  open_[chunk.id] = chunk;
  queue_.Push(chunk, run_->kind == "refresh", now);
}

// Wallets or units of the stage under way have left the run, well or not.
void Scheduler::CountDone(std::int64_t done, std::int64_t failed) {
  run_->wallets_done += done;
  run_->wallets_failed += failed;
  const auto stage = static_cast<std::size_t>(run_->stage - 1);
  if (stage >= run_->stages.size()) return;
  run_->stages[stage].done += done;
  run_->stages[stage].failed += failed;
}

void Scheduler::AddChunks(const std::vector<ChunkRow>& chunks, Instant now) {
  for (const ChunkRow& chunk : chunks) AddChunk(chunk, now);
}

// --- The life of a run -------------------------------------------------------------------------

void Scheduler::TickRun(Instant now) {
  if (!loaded_) return;
  if (resync_wanted_) {
    if (outstanding_ > 0 || loading_) return;
    loading_ = true;
    ++outstanding_;
    actions_.emplace_back(LedgerAction{term_, LoadRequest{}});
    return;
  }
  if (asked_run_) return;
  if (!run_ && !queued_.empty()) {
    asked_run_ = true;
    return Ask(PlanRequest{queued_.front(), FleetSize()});
  }
  if (run_ && open_.empty() && asking_.empty() && leases_.size() == 0) {
    asked_run_ = true;
    return Ask(CloseRunRequest{run_->id, TakeUse(), FleetSize()});
  }
  if (now >= schedule_at_ && !asked_schedule_) {
    asked_schedule_ = true;
    Ask(ScheduleRequest{});
  }
  if (run_ && (samples_.empty() || now - samples_.back().at >= kSampleEvery)) {
    const RunRow row = RunNow();
    samples_.push_back({now, row.wallets_done + row.wallets_failed, row.trades, row.requests});
    if (samples_.size() > kSamplesKept) samples_.pop_front();
  }
}

int Scheduler::FleetSize() const {
  return static_cast<int>(std::max<std::size_t>(
      {registry_.sessions().size(), static_cast<std::size_t>(std::max(0, settings_.desired)), 1}));
}

void Scheduler::OnScheduled(Scheduled scheduled, Instant now) {
  asked_schedule_ = false;
  schedule_at_ = now + timings_.schedule;
  schedule_ = std::move(scheduled.schedule);
  for (const common::RunId run : scheduled.queued) {
    Note(LogLevel::kInfo, "run_scheduled", {}, {}, "run " + std::to_string(run.value));
  }
  if (!scheduled.queued.empty()) WantResync();
}

void Scheduler::OnPlanned(Planned planned, Instant now) {
  asked_run_ = false;
  std::erase(queued_, planned.run.id);
  if (planned.run.state != "running") return;  // Cancelled before its turn came.
  Note(LogLevel::kInfo, "run_planned", {}, {},
       "run " + std::to_string(planned.run.id.value) + ", " +
           std::to_string(planned.chunks.size()) + " chunks");
  planned.run.chunks_total = 0;
  run_ = std::move(planned.run);
  use_ = {};
  samples_.clear();
  AddChunks(planned.chunks, now);
}

void Scheduler::OnRunClosed(const RunClosed& closed, Instant now) {
  asked_run_ = false;
  if (!run_ || closed.run.id != run_->id) return;
  if (closed.run.state == "running") {
    if (closed.run.stage != run_->stage) OnNextStage(closed);
    AddChunks(closed.created, now);
    if (closed.created.empty()) WantResync();
    return;
  }
  Note(closed.run.outcome == "complete" ? LogLevel::kInfo : LogLevel::kWarning, "run_finished", {},
       {}, "run " + std::to_string(closed.run.id.value) + ": " + closed.run.outcome);
  run_.reset();
  WantResync();
}

void Scheduler::OnNextStage(const RunClosed& closed) {
  const auto stage = static_cast<std::size_t>(closed.run.stage - 1);
  const std::string name =
      stage < closed.run.stages.size() ? closed.run.stages[stage].kind : std::string();
  Note(LogLevel::kInfo, "stage_planned", {}, {},
       "run " + std::to_string(closed.run.id.value) + ", " + name + ", " +
           std::to_string(closed.created.size()) + " chunks");
  run_ = closed.run;
  run_->chunks_total -= static_cast<std::int64_t>(closed.created.size());
  samples_.clear();
}

// What is taken is about to be written down.
RunUse Scheduler::TakeUse() {
  if (run_) {
    run_->trades += use_.trades;
    run_->requests += use_.requests;
    run_->retries += use_.retries;
    run_->throttled += use_.throttled;
  }
  return std::exchange(use_, {});
}

// --- Status ------------------------------------------------------------------------------------

RunRow Scheduler::RunNow() const {
  RunRow row = *run_;
  row.trades += use_.trades;
  row.requests += use_.requests;
  row.retries += use_.retries;
  row.throttled += use_.throttled;
  std::int64_t under_way = 0;
  for (const auto& [chunk, lease] : leases_.all()) {
    if (lease.chunk.run == row.id) under_way += lease.wallets_done;
  }
  row.wallets_done = std::min(row.wallets_done + under_way, row.wallets_total - row.wallets_failed);
  const auto stage = static_cast<std::size_t>(row.stage - 1);
  if (stage < row.stages.size()) {
    StageRow& now = row.stages[stage];
    now.done = std::min(now.done + under_way, now.total - now.failed);
  }
  return row;
}

WorkerStatus Scheduler::StatusOf(const Session& session, Instant now) const {
  WorkerStatus status;
  status.id = session.worker.value;
  status.host = session.host;
  status.pid = session.pid;
  const bool silent = session.gone_at || now - session.heard_at >= timings_.suspect;
  status.state = session.draining ? "draining" : silent || session.stalled ? "suspect" : "live";
  status.session = session.id.value;
  status.since_ms = MillisSince(session.since, now);
  status.last_beat_ms = MillisSince(session.heard_at, now);
  status.rss_bytes = session.rss_bytes;
  status.database_latency_ms = session.database_latency_ms;
  status.trades = session.trades;
  status.retries = session.retries;
  for (const auto& [name, totals] : session.endpoints) {
    status.requests += totals.requests;
    status.throttled += totals.throttled;
  }
  for (const ChunkId chunk : leases_.OfSession(session.id)) {
    const Lease& lease = *leases_.Find(chunk);
    status.leases.push_back({chunk, lease.chunk.epoch, lease.chunk.run, lease.chunk.wallets,
                             lease.wallets_done, lease.rows, MillisSince(lease.granted_at, now),
                             lease.in_flight.size()});
  }
  return status;
}

FleetStatus Scheduler::status(Instant now) const {
  FleetStatus status;
  status.term = term_;
  status.active = loaded_;
  status.paused = settings_.paused;
  status.settings = settings_;
  status.queued = queued_;
  status.schedule = schedule_;
  status.rates = budget_.statuses();
  status.counters = counters_;
  for (const auto& [worker, record] : registry_.workers()) {
    if (record.session) {
      status.workers.push_back(StatusOf(*registry_.Find(*record.session), now));
      if (status.workers.back().state != "suspect") ++status.live;
    } else if (record.last) {
      status.workers.push_back(StatusOf(*record.last, now));
      status.workers.back().state = "gone";
    }
  }
  if (!run_) return status;
  RunStatus run;
  run.row = RunNow();
  run.chunks_leased = static_cast<std::int64_t>(leases_.size());
  run.chunks_pending = static_cast<std::int64_t>(queue_.size() + asking_.size());
  if (samples_.size() >= 2) {
    const Sample& last = samples_.back();
    const Sample& recent = samples_[samples_.size() - std::min(samples_.size(), kSamplesForRate)];
    const double seconds = std::chrono::duration<double>(last.at - recent.at).count();
    run.trades_per_s = static_cast<double>(last.trades - recent.trades) / seconds;
    run.requests_per_s = static_cast<double>(last.requests - recent.requests) / seconds;
    const Sample& first = samples_.front();
    const double span = std::chrono::duration<double>(last.at - first.at).count();
    const std::int64_t wallets = last.wallets - first.wallets;
    const std::int64_t left = run.row.wallets_total - last.wallets;
    if (wallets > 0) {
      run.eta_s = static_cast<std::int64_t>(static_cast<double>(left) * span /
                                            static_cast<double>(wallets));
    }
  }
  status.run = std::move(run);
  return status;
}

}  // namespace coordinator
