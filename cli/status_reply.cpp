#include "cli/status_reply.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace cli {
namespace {

using nlohmann::json;

// The members of an object, each with a default for what is missing, null or of another type.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  std::string Text(const char* name) const {
    const json* found = Find(name);
    return found != nullptr && found->is_string() ? found->get<std::string>() : "";
  }
  std::int64_t Whole(const char* name) const { return static_cast<std::int64_t>(Number(name)); }
  double Number(const char* name) const { return MaybeNumber(name).value_or(0); }
  std::optional<double> MaybeNumber(const char* name) const {
    const json* found = Find(name);
    if (found == nullptr || !found->is_number()) return std::nullopt;
    return found->get<double>();
  }
  bool Flag(const char* name) const {
    const json* found = Find(name);
    return found != nullptr && found->is_boolean() && found->get<bool>();
  }
  bool Denies(const char* name) const {
    const json* found = Find(name);
    return found != nullptr && found->is_boolean() && !found->get<bool>();
  }
  const json& Inner(const char* name) const {
    static const json kNothing;
    const json* found = Find(name);
    return found != nullptr ? *found : kNothing;
  }

 private:
  const json* Find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  const json& object_;
};

template <typename T>
common::Result<T> Read(const std::string& body, T (*convert)(const json&)) {
  const json parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object()) {
    return common::Error{common::ErrorKind::kMalformed,
                         "the coordinator's answer is not JSON; is something else on its port?"};
  }
  return convert(parsed);
}

RunReply ToRun(const json& object) {
  const Members members(object);
  RunReply run;
  run.run = members.Whole("run");
  run.kind = members.Text("kind");
  run.source = members.Text("source");
  run.state = members.Text("state");
  run.outcome = members.Text("outcome");
  run.requested_at = members.Whole("requested_at");
  run.started_at = members.Whole("started_at");
  run.finished_at = members.Whole("finished_at");
  run.stage = members.Whole("stage");
  for (const json& one : members.Inner("stages")) {
    const Members stage(one);
    run.stages.push_back(
        {stage.Text("kind"), stage.Whole("total"), stage.Whole("done"), stage.Whole("failed")});
  }
  const Members wallets(members.Inner("wallets"));
  run.wallets_total = wallets.Whole("total");
  run.wallets_done = wallets.Whole("done");
  run.wallets_failed = wallets.Whole("failed");
  run.wallets_quarantined = wallets.Whole("quarantined");
  const Members chunks(members.Inner("chunks"));
  run.chunks_total = chunks.Whole("total");
  run.chunks_pending = chunks.Whole("pending");
  run.chunks_leased = chunks.Whole("leased");
  run.chunks_done = chunks.Whole("done");
  run.trades = members.Whole("trades");
  run.requests = members.Whole("requests");
  run.retries = members.Whole("retries");
  run.throttled = members.Whole("throttled");
  run.trades_per_s = members.Number("trades_per_s");
  run.requests_per_s = members.Number("requests_per_s");
  run.eta_s = members.MaybeNumber("eta_s");
  for (const json& one : members.Inner("failed")) {
    const Members failed(one);
    run.failed.push_back({failed.Text("wallet"), failed.Text("reason")});
  }
  return run;
}

LeaseReply ToLease(const json& object) {
  const Members members(object);
  return {members.Whole("chunk"),   members.Whole("epoch"),        members.Whole("run"),
          members.Whole("wallets"), members.Whole("wallets_done"), members.Whole("rows"),
          members.Whole("age_ms"),  members.Whole("in_flight")};
}

WorkerReply ToWorker(const json& object) {
  const Members members(object);
  WorkerReply worker;
  worker.id = members.Text("id");
  worker.host = members.Text("host");
  worker.pid = members.Whole("pid");
  worker.state = members.Text("state");
  worker.since = members.Whole("since");
  worker.last_beat_ms = members.Whole("last_beat_ms");
  worker.rss_bytes = members.Whole("rss_bytes");
  worker.database_latency_ms = members.Number("database_latency_ms");
  worker.trades = members.Whole("trades");
  worker.requests = members.Whole("requests");
  worker.throttled = members.Whole("throttled");
  worker.retries = members.Whole("retries");
  for (const json& lease : members.Inner("leases")) worker.leases.push_back(ToLease(lease));
  return worker;
}

FreshnessReply ToFreshness(const json& object) {
  const Members members(object);
  return {members.Whole("now"), members.Whole("newest_trade"), members.Whole("ranges_to")};
}

StatusReply ToStatus(const json& object) {
  const Members members(object);
  StatusReply status;
  status.version = members.Text("version");
  status.state = members.Text("state");
  status.term = members.Whole("term");
  status.now = members.Whole("now");
  status.database = members.Text("database");
  const Members fleet(members.Inner("fleet"));
  status.is_fleet_known = !fleet.Denies("known");
  status.desired = static_cast<int>(fleet.Whole("desired"));
  status.live = static_cast<int>(fleet.Whole("live"));
  for (const json& id : fleet.Inner("stopped")) {
    if (id.is_string()) status.stopped.push_back(id);
  }
  if (members.Inner("run").is_object()) status.run = ToRun(members.Inner("run"));
  for (const json& run : members.Inner("queued")) {
    if (run.is_number()) status.queued.push_back(run);
  }
  const Members wallets(members.Inner("wallets"));
  status.wallets_total = wallets.Whole("total");
  status.wallets_pending = wallets.Whole("pending");
  status.wallets_syncing = wallets.Whole("syncing");
  status.wallets_completed = wallets.Whole("completed");
  status.wallets_failed = wallets.Whole("failed");
  status.trades = members.Whole("trades");
  status.freshness = ToFreshness(members.Inner("freshness"));
  for (const json& one : members.Inner("rates")) {
    const Members rate(one);
    status.rates.push_back({rate.Text("endpoint"), rate.Number("limit_per_second"),
                            rate.Number("used_per_second"), rate.Whole("throttled")});
  }
  for (const json& one : members.Inner("schedule")) {
    const Members entry(one);
    status.schedule.push_back({entry.Text("name"), entry.Flag("enabled"), entry.Whole("every_s"),
                               entry.Whole("next_at"), entry.Whole("last_run")});
  }
  if (const json& counters = members.Inner("counters"); counters.is_object()) {
    for (const auto& [name, count] : counters.items()) {
      if (count.is_number()) status.counters.emplace_back(name, count);
    }
  }
  return status;
}

}  // namespace

bool IsOfWalletsAlone(const RunReply& run) {
  return run.stages.empty() || (run.stages.size() == 1 && run.stages.front().kind == "trades");
}

common::Result<StatusReply> ParseStatus(const std::string& body) {
  return Read<StatusReply>(body, ToStatus);
}

common::Result<FreshnessReply> ParseFreshness(const std::string& body) {
  return Read<FreshnessReply>(body, ToFreshness);
}

common::Result<RunReply> ParseRun(const std::string& body) {
  return Read<RunReply>(body, ToRun);
}

common::Result<std::vector<RunReply>> ParseRuns(const std::string& body) {
  return Read<std::vector<RunReply>>(body, [](const json& object) {
    std::vector<RunReply> runs;
    for (const json& run : Members(object).Inner("runs")) runs.push_back(ToRun(run));
    return runs;
  });
}

common::Result<std::vector<WorkerReply>> ParseWorkers(const std::string& body) {
  return Read<std::vector<WorkerReply>>(body, [](const json& object) {
    std::vector<WorkerReply> workers;
    for (const json& worker : Members(object).Inner("workers")) {
      workers.push_back(ToWorker(worker));
    }
    return workers;
  });
}

common::Result<PlanReply> ParsePlan(const std::string& body) {
  return Read<PlanReply>(body, [](const json& object) {
    const Members members(object);
    return PlanReply{members.Whole("wallets"),  members.Whole("chunks"),
                     members.Whole("requests"), members.Number("seconds"),
                     members.Text("endpoint"),  members.Number("rate_per_second")};
  });
}

common::Result<StartedReply> ParseStarted(const std::string& body) {
  return Read<StartedReply>(body, [](const json& object) {
    const Members members(object);
    return StartedReply{members.Whole("run"), members.Flag("attached")};
  });
}

}  // namespace cli
