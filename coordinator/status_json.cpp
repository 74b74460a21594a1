#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "coordinator/status_text.h"

namespace coordinator {
namespace {

using nlohmann::json;

json OrNull(common::UnixSeconds seconds) {
  return seconds == 0 ? json(nullptr) : json(seconds);
}

json RunObject(const RunRow& stored, const View& view) {
  const RunStatus* const live =
      view.status.run && view.status.run->row.id == stored.id ? &*view.status.run : nullptr;
  const bool is_live = live != nullptr && stored.state == "running";
  const RunRow& run = is_live ? live->row : stored;
  const std::int64_t leased = is_live ? live->chunks_leased : 0;
  const std::int64_t pending = is_live
                                   ? live->chunks_pending
                                   : std::max<std::int64_t>(0, run.chunks_total - run.chunks_done);
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(1, run.finished_at - run.started_at));
  const bool over = run.finished_at > 0 && run.started_at > 0;
  json stages = json::array();
  for (const StageRow& stage : run.stages) {
    stages.push_back({{"kind", stage.kind},
                      {"total", stage.total},
                      {"done", stage.done},
                      {"failed", stage.failed}});
  }
  return {
      {"run", run.id.value},
      {"kind", run.kind},
      {"source", run.source},
      {"state", run.state},
      {"outcome", run.outcome.empty() ? json(nullptr) : json(run.outcome)},
      {"requested_at", OrNull(run.requested_at)},
      {"started_at", OrNull(run.started_at)},
      {"finished_at", OrNull(run.finished_at)},
      {"stage", run.stage},
      {"stages", std::move(stages)},
      {"wallets",
       {{"total", run.wallets_total},
        {"done", run.wallets_done},
        {"failed", run.wallets_failed},
        {"quarantined", run.wallets_quarantined}}},
      {"chunks",
       {{"total", run.chunks_total},
        {"pending", pending},
        {"leased", leased},
        {"done", run.chunks_done}}},
      {"trades", run.trades},
      {"requests", run.requests},
      {"retries", run.retries},
      {"throttled", run.throttled},
      {"trades_per_s", is_live ? live->trades_per_s
                       : over  ? static_cast<double>(run.trades) / seconds
                               : 0.0},
      {"requests_per_s", is_live ? live->requests_per_s
                         : over  ? static_cast<double>(run.requests) / seconds
                                 : 0.0},
      {"eta_s", is_live && live->eta_s ? json(*live->eta_s) : json(nullptr)},
  };
}

json FreshnessObject(const Census& census, common::UnixSeconds now) {
  return {{"now", now},
          {"newest_trade", OrNull(census.newest_trade)},
          {"ranges_to", OrNull(census.ranges_to)}};
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string StatusJson(const View& view, const Census& census, common::UnixSeconds now) {
  const FleetStatus& status = view.status;
  json queued = json::array();
  for (const common::RunId run : status.queued) queued.push_back(run.value);
  json schedule = json::array();
  for (const ScheduleRow& row : status.schedule) {
    schedule.push_back({{"name", row.name},
                        {"every_s", row.every_s},
                        {"enabled", row.enabled},
                        {"next_at", row.enabled ? OrNull(row.next_at) : json(nullptr)},
                        {"last_run", row.last_run == 0 ? json(nullptr) : json(row.last_run)}});
  }
  json rates = json::array();
  for (const RateBudget::Status& rate : status.rates) {
    rates.push_back({{"endpoint", rate.endpoint},
                     {"limit_per_second", rate.limit_per_s},
                     {"used_per_second", rate.used_per_s},
                     {"throttled", rate.throttled}});
  }
  const Counters& counters = status.counters;
  const bool draining =
      !status.workers.empty() &&
      std::all_of(status.workers.begin(), status.workers.end(),
                  [](const WorkerStatus& worker) { return worker.state == "draining"; });
  return Dump({
      {"version", SEINE_VERSION},
      {"state", status.paused ? "paused"
                : draining    ? "draining"
                              : "running"},
      {"term", status.term.value},
      {"now", now},
      {"database", view.database},
      {"fleet",
       {{"known", status.active},
        {"desired", status.settings.desired},
        {"live", status.live},
        {"stopped", status.settings.stopped}}},
      {"run", status.run ? RunObject(status.run->row, view) : json(nullptr)},
      {"queued", std::move(queued)},
      {"schedule", std::move(schedule)},
      {"wallets",
       {{"total", census.wallets},
        {"pending", census.pending},
        {"syncing", census.syncing},
        {"completed", census.completed},
        {"failed", census.failed}}},
      {"trades", census.trades},
      {"freshness", FreshnessObject(census, now)},
      {"rates", std::move(rates)},
      {"counters",
       {{"malformed", counters.malformed + view.channel.malformed},
        {"stale", counters.stale},
        {"fenced", counters.fenced},
        {"releases", counters.releases},
        {"reclaims", counters.reclaims},
        {"takeovers", counters.takeovers},
        {"deaths", counters.deaths},
        {"quarantined", counters.quarantined},
        {"adopted", counters.adopted},
        {"resends", counters.resends},
        {"handshake_failures", view.channel.handshake_failures},
        {"revoked", view.channel.revoked}}},
  });
}

std::string FreshnessJson(const Census& census, common::UnixSeconds now) {
  return Dump(FreshnessObject(census, now));
}

std::string WorkersJson(const View& view) {
  json workers = json::array();
  for (const WorkerStatus& worker : view.status.workers) {
    json leases = json::array();
    for (const LeaseStatus& lease : worker.leases) {
      leases.push_back({{"chunk", lease.chunk.value},
                        {"epoch", lease.epoch.value},
                        {"run", lease.run.value},
                        {"wallets", lease.wallets},
                        {"wallets_done", lease.wallets_done},
                        {"rows", lease.rows},
                        {"age_ms", lease.age_ms},
                        {"in_flight", lease.in_flight}});
    }
    workers.push_back({{"id", worker.id},
                       {"host", worker.host},
                       {"pid", worker.pid},
                       {"state", worker.state},
                       {"session", worker.session},
                       {"since", worker.since_ms},
                       {"last_beat_ms", worker.last_beat_ms},
                       {"rss_bytes", worker.rss_bytes},
                       {"database_latency_ms", worker.database_latency_ms},
                       {"trades", worker.trades},
                       {"requests", worker.requests},
                       {"throttled", worker.throttled},
                       {"retries", worker.retries},
                       {"leases", std::move(leases)}});
  }
  return Dump({{"workers", std::move(workers)}});
}

std::string RunsJson(const std::vector<RunRow>& runs, const View& view) {
  json list = json::array();
  for (const RunRow& run : runs) list.push_back(RunObject(run, view));
  return Dump({{"runs", std::move(list)}});
}

std::string RunJson(const RunRow& run, const std::vector<FailedWallet>& failed, const View& view) {
  json object = RunObject(run, view);
  object["failed"] = json::array();
  for (const FailedWallet& wallet : failed) {
    object["failed"].push_back({{"wallet", wallet.wallet}, {"reason", wallet.reason}});
  }
  return Dump(object);
}

std::string WalletJson(const WalletView& wallet) {
  return Dump(
      {{"wallet_address", wallet.address.ToString()},
       {"discovered_by", wallet.discovered_by},
       {"sync_status", wallet.status},
       {"quarantined", wallet.quarantined},
       {"total_trades_synced", wallet.trades_stored},
       {"total_trades_processed", wallet.trades_processed},
       {"complete_to", OrNull(wallet.complete_to)},
       {"last_trade_timestamp", OrNull(wallet.last_trade_ts)},
       {"last_synced_at", OrNull(wallet.last_synced_at)},
       {"sync_duration_ms", wallet.duration_ms},
       {"error_count", wallet.error_count},
       {"last_error", wallet.last_error.empty() ? json(nullptr) : json(wallet.last_error)}});
}

}  // namespace coordinator
