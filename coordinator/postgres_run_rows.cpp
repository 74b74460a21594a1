// Runs as the operator sees them: how far, stage by stage.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "coordinator/postgres_rows.h"

namespace coordinator {
namespace {

using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::RunId;

// A wallet of a run is in an open chunk, done, or failed for good: so what is done need not be
// counted.
constexpr char kRuns[] = R"sql(
SELECT r.run_id, r.kind, r.source, r.state, coalesce(r.outcome, ''),
       extract(epoch FROM r.requested_at)::bigint,
       coalesce(extract(epoch FROM r.started_at)::bigint, 0),
       coalesce(extract(epoch FROM r.finished_at)::bigint, 0),
       r.wallets_total, f.failed, f.quarantined, c.total, c.done, c.open_wallets,
       r.trades, r.requests, r.retries, r.throttled,
       array_to_string(r.stages, ','), r.stage, array_to_string(r.stage_totals, ','), f.stages
FROM (SELECT * FROM run WHERE ($1::bigint IS NULL OR run_id = $1)
       ORDER BY run_id DESC LIMIT $2) r
CROSS JOIN LATERAL (
  SELECT count(*) AS total, count(*) FILTER (WHERE state = 'done') AS done,
         coalesce(sum(cardinality(wallets)) FILTER (WHERE state <> 'done'), 0) AS open_wallets
    FROM chunk WHERE run_id = r.run_id) c
CROSS JOIN LATERAL (
  SELECT coalesce(sum(failed), 0)::bigint AS failed,
         coalesce(sum(quarantined), 0)::bigint AS quarantined,
         coalesce(string_agg(stage || ':' || failed, ','), '') AS stages
    FROM (SELECT x.stage, count(*) AS failed,
                 count(*) FILTER (WHERE coalesce(s.quarantined, u.quarantined)) AS quarantined
            FROM run_failure x
            LEFT JOIN wallet_sync s ON x.kind = 'trades' AND s.wallet_id = x.wallet_id
            LEFT JOIN work_unit u ON x.kind <> 'trades' AND u.unit_id = x.wallet_id
           WHERE x.run_id = r.run_id AND x.final GROUP BY x.stage) by_stage) f
ORDER BY r.run_id DESC)sql";

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

// `failed` holds stage:count.
std::vector<StageRow> Stages(const std::string& kinds, const std::string& totals,
                             const std::string& failed) {
  std::vector<StageRow> stages;
  for (std::string& kind : Split(kinds)) stages.push_back({std::move(kind), 0, 0, 0});
  const std::vector<std::string> counts = Split(totals);
  for (std::size_t i = 0; i < std::min(stages.size(), counts.size()); ++i) {
    stages[i].total = std::atoll(counts[i].c_str());
  }
  for (const std::string& part : Split(failed)) {
    const auto stage = static_cast<std::size_t>(std::atoll(part.c_str()));
    if (stage < 1 || stage > stages.size()) continue;
    stages[stage - 1].failed = std::atoll(part.c_str() + part.find(':') + 1);
  }
  return stages;
}

// What has neither failed nor is in an open chunk is done. Only the stage under way has open
// chunks.
void CountDone(RunRow& run, std::int64_t open_units) {
  if (run.state == "queued" || run.state == "cancelled") return;
  for (std::size_t i = 0; i < run.stages.size(); ++i) {
    StageRow& stage = run.stages[i];
    const bool is_now = i + 1 == static_cast<std::size_t>(run.stage);
    const std::int64_t open = is_now ? open_units : 0;
    stage.done = std::max<std::int64_t>(0, stage.total - stage.failed - open);
  }
}

Result<std::vector<RunRow>> Runs(PgConnection& connection, const PgParams& params) {
  const auto rows = connection.Exec(kRuns, params);
  if (!rows) return rows.error();
  std::vector<RunRow> runs;
  for (int i = 0; i < rows->size(); ++i) {
    RunRow run;
    run.id = {rows->Int64(i, 0)};
    run.kind = rows->Text(i, 1);
    run.source = rows->Text(i, 2);
    run.state = rows->Text(i, 3);
    run.outcome = rows->Text(i, 4);
    run.requested_at = rows->Int64(i, 5);
    run.started_at = rows->Int64(i, 6);
    run.finished_at = rows->Int64(i, 7);
    run.wallets_total = rows->Int64(i, 8);
    run.wallets_failed = rows->Int64(i, 9);
    run.wallets_quarantined = rows->Int64(i, 10);
    run.chunks_total = rows->Int64(i, 11);
    run.chunks_done = rows->Int64(i, 12);
    if (run.state != "queued" && run.state != "cancelled") {
      run.wallets_done =
          std::max<std::int64_t>(0, run.wallets_total - run.wallets_failed - rows->Int64(i, 13));
    }
    run.trades = rows->Int64(i, 14);
    run.requests = rows->Int64(i, 15);
    run.retries = rows->Int64(i, 16);
    run.throttled = rows->Int64(i, 17);
    run.stage = static_cast<int>(rows->Int64(i, 19));
    run.stages = Stages(std::string(rows->Text(i, 18)), std::string(rows->Text(i, 20)),
                        std::string(rows->Text(i, 21)));
    CountDone(run, rows->Int64(i, 13));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace

Result<RunRow> ReadRun(PgConnection& connection, RunId run) {
  auto runs = Runs(connection, PgParams().Int64(run.value).Int32(1));
  if (!runs) return runs.error();
  if (runs->empty()) return Error{ErrorKind::kRejected, "there is no such run"};
  return std::move(runs->front());
}

Result<std::vector<RunRow>> ReadRuns(PgConnection& connection, int limit) {
  return Runs(connection, PgParams().Null().Int32(limit));
}

}  // namespace coordinator
