#include "coordinator/postgres_stages.h"

#include <algorithm>
#include <utility>

#include "coordinator/plans/refresh.h"
#include "coordinator/plans/stages.h"
#include "coordinator/plans/units.h"
#include "coordinator/postgres_rows.h"
#include "coordinator/postgres_run_wallets.h"
#include "coordinator/postgres_stage_units.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::Status;

constexpr std::size_t kChunksAtOnce = 128;

// Writes chunks as they are planned.
class ChunkWriter {
 public:
  ChunkWriter(PgConnection& connection, const RunOrder& order)
      : connection_(connection), run_(order.run), kind_(plans::ChunkKind(order.stage_name())) {}

  void Add(plans::PlannedChunk planned) {
    total_ += static_cast<std::int64_t>(planned.wallets.size());
    chunks_.push_back({std::move(planned.wallets), planned.weight, 0, 0});
    if (chunks_.size() >= kChunksAtOnce) Flush();
  }
  Status Finish() {
    Flush();
    return written_;
  }
  const std::string& kind() const { return kind_; }
  std::int64_t total() const { return total_; }

 private:
  void Flush() {
    if (!written_ || chunks_.empty()) return;
    const auto ids = InsertChunks(connection_, run_, kind_, chunks_);
    if (!ids) written_ = ids.error();
    chunks_.clear();
  }

  PgConnection& connection_;
  const common::RunId run_;
  const std::string kind_;
  std::vector<NewChunk> chunks_;
  std::int64_t total_ = 0;
  Status written_ = Done{};
};

const plans::UnitLimits& LimitsOf(const std::string& stage) {
  if (stage == "resolutions") return plans::kResolutionsLimits;
  if (stage == "holders") return plans::kHoldersLimits;
  if (stage == "range") return plans::kRangeLimits;
  if (stage == "activity") return plans::kActivityLimits;
  if (stage == "positions") return plans::kPositionsLimits;
  return plans::kMarketsLimits;
}

// The stage's total, and what its wallets had before it.
Status NotePlan(PgConnection& connection, const RunOrder& order, std::int64_t total,
                std::int64_t trades_stored) {
  return Execute(connection,
                 "UPDATE run SET state = 'running', started_at = coalesce(started_at, now()), "
                 "wallets_total = wallets_total + $2, stage_totals[$3] = $2, "
                 "trades_before = CASE WHEN $4::bigint >= 0 THEN $4::bigint - trades "
                 "ELSE trades_before END, "
                 "newest_wallet = CASE WHEN $3 = 1 THEN (SELECT coalesce(max(wallet_id), 0) "
                 "FROM wallet) ELSE newest_wallet END WHERE run_id = $1",
                 PgParams()
                     .Int64(order.run.value)
                     .Int32(static_cast<std::int32_t>(total))
                     .Int32(order.stage)
                     .Int64(trades_stored));
}

// What a feed saw and ranges have told meanwhile is due no more.
constexpr char kCovered[] = R"sql(
DELETE FROM wallet_due d USING coverage c
 WHERE c.to_ts >= c.from_ts AND NOT d.skipped AND d.seen_ts <= c.to_ts
   AND NOT EXISTS (SELECT 1 FROM wallet_cursor k WHERE k.wallet_id = d.wallet_id
                      AND k.source <> c.source AND (k.position <> '' OR (k.complete_to = 0
                      AND NOT EXISTS (SELECT 1 FROM coverage o
                                       WHERE o.source = k.source AND o.to_ts >= o.from_ts))))
   AND coalesce((SELECT max(k.complete_to) FROM wallet_cursor k
                  WHERE k.wallet_id = d.wallet_id AND k.source <> c.source), 0) + 1 >= c.from_ts
)sql";

Status PlanTradesStage(PgConnection& connection, const RunOrder& order, int workers) {
  // Behind ranges and feeds only what they have seen is due.
  const bool is_due = order.kind == "refresh" ||
                      (order.kind == "full" && std::find(order.stages.begin(), order.stages.end(),
                                                         "range") != order.stages.end());
  if (is_due) {
    if (Status swept = Execute(connection, kCovered); !swept) return swept;
  }
  auto wallets = is_due ? ReadDueWallets(connection, order.most_wallets)
                        : ReadRunWallets(connection, order.selection ? &*order.selection : nullptr);
  if (!wallets) return wallets.error();
  const auto total = static_cast<std::int64_t>(wallets->loads.size() + wallets->quarantined.size());
  ChunkWriter writer(connection, order);
  const auto emit = [&](plans::PlannedChunk planned) {
    writer.Add(std::move(planned));
  };
  if (is_due) {
    plans::PlanRefresh(wallets->loads, workers, emit);
  } else {
    plans::PlanTrades(wallets->loads, workers, emit);
  }
  if (Status written = writer.Finish(); !written) return written;
  Status failed = WriteFailures(connection, order.run, writer.kind(), wallets->quarantined);
  if (!failed) return failed;
  return NotePlan(connection, order, total, wallets->trades_stored);
}

}  // namespace

Result<std::optional<RunOrder>> LockRun(PgConnection& connection, common::RunId run) {
  const auto rows = connection.Exec(
      "SELECT kind, source, selection, state, array_to_string(stages, ','), stage, most_wallets, "
      "range_from, range_to, is_whole FROM run WHERE run_id = $1 FOR UPDATE",
      PgParams().Int64(run.value));
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<RunOrder>();
  const auto number = [&](int column) {
    return rows->IsNull(0, column) ? std::nullopt : std::optional(rows->Int64(0, column));
  };
  RunOrder order;
  order.run = run;
  order.kind = rows->Text(0, 0);
  order.source = rows->Text(0, 1);
  if (!rows->IsNull(0, 2)) order.selection = std::string(rows->Text(0, 2));
  order.state = rows->Text(0, 3);
  const std::string stages(rows->Text(0, 4));
  for (std::size_t from = 0; from < stages.size();) {
    const std::size_t to = std::min(stages.find(',', from), stages.size());
    order.stages.push_back(stages.substr(from, to - from));
    from = to + 1;
  }
  order.stage = static_cast<int>(rows->Int64(0, 5));
  order.most_wallets = number(6);
  order.range_from = number(7);
  order.range_to = number(8);
  order.is_whole = rows->Bool(0, 9);
  return std::optional(std::move(order));
}

Status PlanStage(PgConnection& connection, const RunOrder& order, int workers) {
  workers = std::max(1, workers);
  if (order.stage_name() == "trades") return PlanTradesStage(connection, order, workers);
  auto units = UnitsOf(connection, order);
  if (!units) return units.error();
  const auto total = static_cast<std::int64_t>(units->loads.size() + units->quarantined.size());
  ChunkWriter writer(connection, order);
  plans::PlanUnits(units->loads, LimitsOf(order.stage_name()), workers,
                   [&](plans::PlannedChunk planned) { writer.Add(std::move(planned)); });
  if (Status written = writer.Finish(); !written) return written;
  Status failed = WriteFailures(connection, order.run, writer.kind(), units->quarantined);
  if (!failed) return failed;
  return NotePlan(connection, order, total, -1);
}

Status NextStage(PgConnection& connection, RunOrder& order) {
  ++order.stage;
  return Execute(connection, "UPDATE run SET stage = $2 WHERE run_id = $1",
                 PgParams().Int64(order.run.value).Int32(order.stage));
}

Status CountStage(PgConnection& connection, common::RunId run) {
  return Execute(
      connection,
      "UPDATE run r SET markets_fetched = u.markets, events_fetched = u.events, "
      "wallets_found = (SELECT count(*) FROM wallet WHERE wallet_id > r.newest_wallet) "
      "FROM (SELECT coalesce(sum(rows) FILTER (WHERE task LIKE 'markets %'), 0) AS markets, "
      "             coalesce(sum(rows) FILTER (WHERE task LIKE 'events %'), 0) AS events "
      "        FROM work_unit WHERE kind = 'markets' AND done_run = $1) u WHERE r.run_id = $1",
      PgParams().Int64(run.value));
}

}  // namespace coordinator
