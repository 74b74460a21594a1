#include "coordinator/postgres_stage_units.h"

#include <algorithm>
#include <utility>

#include "coordinator/plans/markets.h"
#include "coordinator/plans/range.h"
#include "coordinator/plans/stages.h"
#include "coordinator/postgres_units.h"

namespace coordinator {
namespace {

using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;

constexpr std::int32_t kRowsAtOnce = 50'000;

// --- Units by task -----------------------------------------------------------------------------

// New ones, and those that are there for a new run. A walk that another run left unfinished begins
// anew, for what it read may have changed since, and how far a range came is told anew;
// `keeps_position`: it goes on. Here and below, numbers are drawn for what is new alone: an INSERT
// draws one before it meets the conflict.
constexpr char kTakeTasks[] = R"sql(
INSERT INTO work_unit AS u (unit_id, kind, task)
SELECT coalesce((SELECT o.unit_id FROM work_unit o WHERE o.kind = $1 AND o.task = t),
                nextval(pg_get_serial_sequence('work_unit', 'unit_id'))), $1, t
FROM unnest($2::text[]) AS t ORDER BY t
ON CONFLICT (kind, task) DO UPDATE SET status = 0, rows = 0,
  reached = CASE WHEN u.kind = 'range' AND NOT $3 THEN 0 ELSE u.reached END,
  complete_to = CASE WHEN u.kind = 'range' AND NOT $3 THEN 0 ELSE u.complete_to END,
  position = CASE WHEN $3 THEN u.position ELSE '' END)sql";

constexpr char kReadTasks[] = R"sql(
SELECT u.unit_id, u.quarantined, coalesce(u.last_error, '')
FROM unnest($2::text[]) WITH ORDINALITY AS t(task, place)
JOIN work_unit u ON u.kind = $1 AND u.task = t.task ORDER BY t.place)sql";

// One that no worker died of for a while may try again.
constexpr char kPardon[] = R"sql(
UPDATE work_unit u SET quarantined = false
 WHERE u.kind = $1 AND u.quarantined AND NOT EXISTS (
   SELECT 1 FROM wallet_blame b WHERE b.kind = $1 AND b.wallet_id = u.unit_id
      AND b.died_at > now() - interval '72 hours'))sql";

void AddUnit(const PgRows& rows, int i, std::int64_t weight, StageUnits& units) {
  const auto unit = static_cast<std::int32_t>(rows.Int64(i, 0));
  if (rows.Bool(i, 1)) {
    units.quarantined.push_back({{unit}, true, std::string(rows.Text(i, 2))});
  } else {
    units.loads.push_back({unit, weight});
  }
}

Result<StageUnits> TakeTasks(PgConnection& connection, const std::string& kind,
                             const std::vector<std::string>& tasks, bool keeps_position,
                             std::int64_t weight) {
  StageUnits units;
  constexpr std::size_t kTasksAtOnce = 10'000;
  for (std::size_t from = 0; from < tasks.size(); from += kTasksAtOnce) {
    const std::size_t to = std::min(from + kTasksAtOnce, tasks.size());
    const std::vector<std::string> some(tasks.begin() + static_cast<long>(from),
                                        tasks.begin() + static_cast<long>(to));
    const auto names = PgParams().Text(kind).Texts(some);
    auto taken = names;
    if (const Status status = Execute(connection, kTakeTasks, taken.Bool(keeps_position));
        !status) {
      return status.error();
    }
    const auto rows = connection.Exec(kReadTasks, names);
    if (!rows) return rows.error();
    for (int i = 0; i < rows->size(); ++i) AddUnit(*rows, i, weight, units);
  }
  return units;
}

// --- Markets and resolutions -------------------------------------------------------------------

constexpr char kLastWalk[] = R"sql(
SELECT coalesce(max(extract(epoch FROM r.started_at)::bigint), 0)
FROM work_unit u JOIN run r ON r.run_id = u.done_run
WHERE u.kind = 'markets' AND u.status = 2
  AND (u.task = 'markets closed' OR u.task LIKE 'markets closed since=%'))sql";

// The last one that is done stays: it says since when to ask, also if the next one comes to
// nothing.
constexpr char kSweepWalks[] = R"sql(
DELETE FROM work_unit
WHERE kind = 'markets' AND task LIKE 'markets closed since=%'
  AND unit_id IS DISTINCT FROM (
    SELECT u.unit_id FROM work_unit u JOIN run r ON r.run_id = u.done_run
     WHERE u.kind = 'markets' AND u.status = 2 AND u.task LIKE 'markets closed since=%'
     ORDER BY r.started_at DESC, u.unit_id DESC LIMIT 1))sql";

// A market that closed long ago and that nobody could tell the resolution of is not asked for
// again; one of which nobody knows when it closed, once a day.
constexpr char kUnresolved[] = R"sql(
SELECT hex0x(condition_id) FROM market
WHERE closed AND coalesce(resolution_source, 9) > 2
  AND (resolution_asked_at IS NULL OR closed_time > now() - interval '30 days'
       OR (closed_time IS NULL AND resolution_asked_at < now() - interval '1 day'))
ORDER BY condition_id)sql";

Result<StageUnits> MarketUnits(PgConnection& connection, const RunOrder& order) {
  common::UnixSeconds last_walk = 0;
  if (order.kind == "refresh" || order.kind == "discover") {
    const auto rows = connection.Exec(kLastWalk);
    if (!rows) return rows.error();
    last_walk = rows->Int64(0, 0);
  }
  const Status swept = Execute(connection, kSweepWalks);
  if (!swept) return swept.error();
  return TakeTasks(connection, "markets", plans::FreshMarkets(last_walk), false,
                   plans::kWhaleTrades);
}

Result<StageUnits> ResolutionUnits(PgConnection& connection) {
  const Status swept = Execute(
      connection, "DELETE FROM work_unit WHERE kind = 'markets' AND task LIKE 'resolutions %'");
  if (!swept) return swept.error();
  const auto rows = connection.Exec(kUnresolved);
  if (!rows) return rows.error();
  std::vector<std::string> conditions;
  conditions.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) conditions.emplace_back(rows->Text(i, 0));
  return TakeTasks(connection, "markets", plans::Resolutions(conditions), false,
                   plans::kWalletWeight);
}

// --- Holders -----------------------------------------------------------------------------------

// What is in a volume was traded before its market was written with it; later changes of the market
// that leave the volume alone do not count.
constexpr char kTakeHolders[] = R"sql(
INSERT INTO work_unit AS u (unit_id, kind, task, planned_volume, volume_at)
SELECT coalesce((SELECT o.unit_id FROM work_unit o
                  WHERE o.kind = 'holders' AND o.task = hex0x(condition_id)),
                nextval(pg_get_serial_sequence('work_unit', 'unit_id'))),
       'holders', hex0x(condition_id), coalesce(volume, 0), updated_at FROM market
 WHERE coalesce(volume, 0) IS DISTINCT FROM volume_fed ORDER BY condition_id
ON CONFLICT (kind, task) DO UPDATE SET status = 0, rows = 0, position = '',
  planned_volume = EXCLUDED.planned_volume,
  volume_at = CASE WHEN u.planned_volume = EXCLUDED.planned_volume
                   THEN least(u.volume_at, EXCLUDED.volume_at) ELSE EXCLUDED.volume_at END)sql";

constexpr char kReadHolders[] = R"sql(
SELECT u.unit_id, u.quarantined, coalesce(u.last_error, ''),
       (coalesce(m.volume, 0) - coalesce(m.volume_fed, 0))::float8
FROM market m CROSS JOIN LATERAL (
  SELECT w.unit_id, w.quarantined, w.last_error FROM work_unit w
   WHERE w.kind = 'holders' AND w.task = hex0x(m.condition_id) OFFSET 0) u
WHERE coalesce(m.volume, 0) IS DISTINCT FROM m.volume_fed
ORDER BY 4 DESC, u.unit_id)sql";

// The planner cannot know that few markets have moved, and would read all of them; for the same
// reason kReadHolders looks each unit up by itself.
constexpr char kByIndex[] = "SET LOCAL enable_seqscan = off";
constexpr char kByAnyWay[] = "SET LOCAL enable_seqscan TO DEFAULT";

// Feeds are read from their beginning, also those of markets that have not moved.
constexpr char kTakeAllHolders[] = R"sql(
INSERT INTO work_unit AS u (unit_id, kind, task, planned_volume, volume_at)
SELECT coalesce((SELECT o.unit_id FROM work_unit o
                  WHERE o.kind = 'holders' AND o.task = hex0x(condition_id)),
                nextval(pg_get_serial_sequence('work_unit', 'unit_id'))),
       'holders', hex0x(condition_id), coalesce(volume, 0), updated_at FROM market ORDER BY condition_id
ON CONFLICT (kind, task) DO UPDATE SET status = 0, rows = 0, position = '', complete_to = 0,
  reached = 0, planned_volume = EXCLUDED.planned_volume, volume_at = EXCLUDED.volume_at)sql";

constexpr char kReadAllHolders[] = R"sql(
SELECT u.unit_id, u.quarantined, coalesce(u.last_error, ''), coalesce(u.planned_volume, 0)::float8
FROM work_unit u WHERE u.kind = 'holders' ORDER BY 4 DESC, u.unit_id)sql";

Result<StageUnits> AllHoldersUnits(PgConnection& connection) {
  if (const Status taken = Execute(connection, kTakeAllHolders); !taken) return taken.error();
  const auto rows = connection.Exec(kReadAllHolders);
  if (!rows) return rows.error();
  StageUnits units;
  for (int i = 0; i < rows->size(); ++i) {
    AddUnit(*rows, i, plans::HoldersWeight(rows->Double(i, 3)), units);
  }
  return units;
}

Result<StageUnits> HoldersUnits(PgConnection& connection) {
  for (const char* sql : {kByIndex, kTakeHolders}) {
    if (const Status done = Execute(connection, sql); !done) return done.error();
  }
  const auto rows = connection.Exec(kReadHolders);
  if (!rows) return rows.error();
  if (const Status reset = Execute(connection, kByAnyWay); !reset) return reset.error();
  StageUnits units;
  for (int i = 0; i < rows->size(); ++i) {
    AddUnit(*rows, i, plans::HoldersWeight(rows->Double(i, 3)), units);
  }
  return units;
}

// --- Ranges ------------------------------------------------------------------------------------

Result<StageUnits> RangeUnits(PgConnection& connection, const RunOrder& order) {
  if (const Status settled = SettleRanges(connection, order.run); !settled) return settled.error();
  const auto coverages = ReadCoverage(connection);
  const auto now = connection.Exec("SELECT extract(epoch FROM now())::bigint");
  if (!coverages || !now) return coverages ? now.error() : coverages.error();
  // By default whatever covers already: blocks rather than the archive.
  std::optional<plans::Coverage> covered;
  auto source = common::ParseSource(order.source);
  for (const plans::Coverage& one : *coverages) {
    if (!one.is_told()) continue;  // A range was asked for, and nothing came of it yet.
    if (!source || one.source == *source) covered = one;
  }
  if (!source) source = covered ? covered->source : common::Source::kSubgraph;
  const auto spans =
      plans::PlanRange(*source, covered, order.range_from, order.range_to, now->Int64(0, 0));
  if (!covered && !spans.empty()) {
    const Status begun = WriteCoverage(connection, plans::BeginCoverage(spans.front()));
    if (!begun) return begun.error();
  }
  std::vector<std::string> tasks;
  tasks.reserve(spans.size());
  for (const plans::RangeTask& span : spans) tasks.push_back(plans::ToString(span));
  return TakeTasks(connection, "range", tasks, false, plans::kWhaleTrades);
}

// --- Activity and positions --------------------------------------------------------------------

// Wallets after $3, in pages; $2 null: all of them.
constexpr char kTakeWallets[] = R"sql(
WITH page AS MATERIALIZED (
  SELECT w.wallet_id, w.address FROM wallet w
   WHERE w.wallet_id > $3 AND ($2::text IS NULL OR EXISTS (
     SELECT 1 FROM selection_wallet x WHERE x.selection = $2::text AND x.wallet_id = w.wallet_id))
   ORDER BY w.wallet_id LIMIT $4),
taken AS (
  INSERT INTO work_unit AS u (unit_id, kind, task)
  SELECT coalesce((SELECT o.unit_id FROM work_unit o
                    WHERE o.kind = $1::text AND o.task = hex0x(address)),
                  nextval(pg_get_serial_sequence('work_unit', 'unit_id'))),
         $1::text, hex0x(address) FROM page ORDER BY address
  ON CONFLICT (kind, task) DO UPDATE SET status = 0, rows = 0,
    position = CASE WHEN u.kind = 'activity' THEN u.position ELSE '' END
  RETURNING unit_id, task, quarantined, last_error)
SELECT t.unit_id, t.quarantined, coalesce(t.last_error, ''), page.wallet_id,
       coalesce(s.trades_stored, 0)
FROM page JOIN taken t ON t.task = hex0x(page.address)
LEFT JOIN wallet_sync s ON s.wallet_id = page.wallet_id
ORDER BY page.wallet_id)sql";

Result<StageUnits> WalletUnits(PgConnection& connection, const RunOrder& order) {
  const std::string& kind = order.stage_name();
  StageUnits units;
  for (std::int64_t after = -1;;) {
    PgParams params;
    params.Text(kind);
    if (order.selection) {
      params.Text(*order.selection);
    } else {
      params.Null();
    }
    const auto rows = connection.Exec(kTakeWallets, params.Int64(after).Int32(kRowsAtOnce));
    if (!rows) return rows.error();
    for (int i = 0; i < rows->size(); ++i) {
      after = rows->Int64(i, 3);
      const std::int64_t weight =
          kind == "activity" ? plans::ActivityWeight(rows->Int64(i, 4)) : 2 * plans::kWalletWeight;
      AddUnit(*rows, i, weight, units);
    }
    if (rows->size() < kRowsAtOnce) break;
  }
  std::stable_sort(units.loads.begin(), units.loads.end(),
                   [](const auto& a, const auto& b) { return a.weight > b.weight; });
  return units;
}

// --- What failed -------------------------------------------------------------------------------

// Only the feeds of activity go on where they stopped: as when they are planned anew. They have
// failed until they are done.
constexpr char kTakeFailed[] = R"sql(
UPDATE work_unit u SET rows = 0,
       position = CASE WHEN u.kind = 'activity' THEN u.position ELSE '' END
 WHERE u.kind = $1 AND u.retry_run = $2
RETURNING u.unit_id, u.quarantined, coalesce(u.last_error, ''))sql";

Result<StageUnits> UnitsToRetry(PgConnection& connection, const RunOrder& order) {
  const auto rows = connection.Exec(
      kTakeFailed, PgParams().Text(plans::ChunkKind(order.stage_name())).Int64(order.run.value));
  if (!rows) return rows.error();
  StageUnits units;
  for (int i = 0; i < rows->size(); ++i) AddUnit(*rows, i, 2 * plans::kWalletWeight, units);
  return units;
}

}  // namespace

Result<StageUnits> UnitsOf(PgConnection& connection, const RunOrder& order) {
  const std::string& stage = order.stage_name();
  if (order.kind == "retry") return UnitsToRetry(connection, order);
  const Status pardoned = Execute(connection, kPardon, PgParams().Text(plans::ChunkKind(stage)));
  if (!pardoned) return pardoned.error();
  if (stage == "markets") return MarketUnits(connection, order);
  if (stage == "resolutions") return ResolutionUnits(connection);
  if (stage == "holders") {
    return order.is_whole ? AllHoldersUnits(connection) : HoldersUnits(connection);
  }
  if (stage == "range") return RangeUnits(connection, order);
  if (stage == "activity" || stage == "positions") return WalletUnits(connection, order);
  return Error{ErrorKind::kRejected, "there is no stage " + stage};
}

}  // namespace coordinator
