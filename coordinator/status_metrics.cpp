#include <sstream>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "coordinator/status_text.h"

namespace coordinator {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
  void Begin(const std::string& name, const std::string& help, MetricType type) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    families_.push_back(std::move(family));
  }
  void Add(double value, const std::string& label = "", const std::string& label_value = "") {
    ClientMetric metric;
    if (!label.empty()) metric.label.push_back({label, label_value});
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }
  template <typename Number>
  void Gauge(const std::string& name, const std::string& help, Number value) {
    Begin(name, help, MetricType::Gauge);
    Add(static_cast<double>(value));
  }
  template <typename Number>
  void Counter(const std::string& name, const std::string& help, Number value) {
    Begin(name, help, MetricType::Counter);
    Add(static_cast<double>(value));
  }
  std::string Text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

}  // namespace

std::string MetricsText(const View& view, const Census& census) {
  const FleetStatus& status = view.status;
  const Counters& counters = status.counters;
  Families out;
  out.Gauge("seine_term", "The coordinator's term; 0 while it is lost.", status.term.value);
  out.Gauge("seine_database_up", "1 while the database answers.", view.database == "ok" ? 1 : 0);
  out.Gauge("seine_workers_live", "Workers that beat.", status.live);
  out.Gauge("seine_workers_desired", "Workers that the fleet is to have.", status.settings.desired);
  out.Gauge("seine_trades", "Trades stored.", census.trades);
  out.Begin("seine_wallets", "Wallets by sync status.", MetricType::Gauge);
  out.Add(static_cast<double>(census.pending), "status", "pending");
  out.Add(static_cast<double>(census.syncing), "status", "syncing");
  out.Add(static_cast<double>(census.completed), "status", "completed");
  out.Add(static_cast<double>(census.failed), "status", "failed");
  out.Gauge("seine_runs_queued", "Runs that wait.", status.queued.size());
  if (status.run) {
    const RunStatus& run = *status.run;
    out.Gauge("seine_run_wallets_total", "Wallets of the active run.", run.row.wallets_total);
    out.Gauge("seine_run_wallets_done", "Wallets of the active run that are done.",
              run.row.wallets_done);
    out.Gauge("seine_run_wallets_failed", "Wallets of the active run that failed for good.",
              run.row.wallets_failed);
    out.Begin("seine_run_chunks", "Chunks of the active run by state.", MetricType::Gauge);
    out.Add(static_cast<double>(run.chunks_pending), "state", "pending");
    out.Add(static_cast<double>(run.chunks_leased), "state", "leased");
    out.Add(static_cast<double>(run.row.chunks_done), "state", "done");
  }
  out.Begin("seine_rate_limit", "Requests a second that the fleet may make.", MetricType::Gauge);
  for (const auto& rate : status.rates) out.Add(rate.limit_per_s, "endpoint", rate.endpoint);
  out.Begin("seine_rate_used", "Requests a second that the fleet makes.", MetricType::Gauge);
  for (const auto& rate : status.rates) out.Add(rate.used_per_s, "endpoint", rate.endpoint);
  out.Begin("seine_throttled_total", "Requests that an upstream refused as too many.",
            MetricType::Counter);
  for (const auto& rate : status.rates) {
    out.Add(static_cast<double>(rate.throttled), "endpoint", rate.endpoint);
  }
  out.Begin("seine_worker_trades_total", "Trades stored by a worker's process.",
            MetricType::Counter);
  for (const auto& worker : status.workers) {
    out.Add(static_cast<double>(worker.trades), "worker", worker.id);
  }
  out.Begin("seine_worker_rss_bytes", "Memory of a worker's process.", MetricType::Gauge);
  for (const auto& worker : status.workers) {
    out.Add(static_cast<double>(worker.rss_bytes), "worker", worker.id);
  }
  out.Begin("seine_worker_last_beat_seconds", "Time since a worker was heard.", MetricType::Gauge);
  for (const auto& worker : status.workers) {
    out.Add(static_cast<double>(worker.last_beat_ms) / 1000, "worker", worker.id);
  }
  out.Counter("seine_grants_total", "Chunks leased.", counters.grants);
  out.Counter("seine_releases_total", "Chunks given back by their holder.", counters.releases);
  out.Counter("seine_reclaims_total", "Chunks taken back.", counters.reclaims);
  out.Counter("seine_fenced_total", "Leases and processes told to stop.", counters.fenced);
  out.Counter("seine_takeovers_total", "Processes replaced by a newer one.", counters.takeovers);
  out.Counter("seine_deaths_total", "Sessions that ended without a farewell.", counters.deaths);
  out.Counter("seine_adopted_total", "Leases taken over from an earlier session.",
              counters.adopted);
  out.Counter("seine_resends_total", "Assignments said again.", counters.resends);
  out.Counter("seine_recalls_total", "Leases called back.", counters.recalls);
  out.Counter("seine_quarantined_total", "Wallets quarantined.", counters.quarantined);
  out.Counter("seine_stale_messages_total", "Messages of an older session, term or epoch.",
              counters.stale);
  out.Counter("seine_malformed_messages_total", "Messages that could not be understood.",
              counters.malformed + view.channel.malformed);
  out.Counter("seine_handshake_failures_total", "Connections that failed their handshake.",
              view.channel.handshake_failures);
  return out.Text();
}

}  // namespace coordinator
