#include "coordinator/postgres_units.h"

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/plans/markets.h"

namespace coordinator {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::Result;
using common::RunId;
using common::Status;

const char kUnitMarks[] = R"sql(
SELECT u.unit_id, coalesce(s.done_run, 0) = c.run_id,
       coalesce(s.quarantined, false) OR EXISTS (
         SELECT 1 FROM run_failure f WHERE f.run_id = c.run_id AND f.kind = c.kind
            AND f.wallet_id = u.unit_id AND f.final),
       EXISTS (SELECT 1 FROM wallet_blame b WHERE b.wallet_id = u.unit_id AND b.kind = c.kind
                  AND b.died_at > now() - interval '72 hours'),
       coalesce(s.epoch = $2, false)
FROM chunk c CROSS JOIN LATERAL unnest(c.wallets) WITH ORDINALITY AS u(unit_id, place)
LEFT JOIN work_unit s ON s.unit_id = u.unit_id
WHERE c.chunk_id = $1 ORDER BY u.place)sql";

namespace {

constexpr char kUnits[] = R"sql(
SELECT c.chunk_id, s.unit_id, s.task, s.position, s.complete_to
FROM chunk c
CROSS JOIN LATERAL unnest(c.wallets) WITH ORDINALITY AS u(unit_id, place)
JOIN work_unit s ON s.unit_id = u.unit_id
WHERE c.chunk_id = ANY($1::bigint[]) AND c.state = 'pending' AND c.kind <> 'trades'
  AND s.done_run <> c.run_id AND NOT s.quarantined
  AND NOT EXISTS (SELECT 1 FROM run_failure f WHERE f.run_id = c.run_id AND f.kind = c.kind
                     AND f.wallet_id = u.unit_id AND f.final)
ORDER BY c.chunk_id, u.place)sql";

// The volume that the condition's feed was read for; a market that trades on is planned again, and
// so is one whose feed was behind its volume.
constexpr char kFed[] = R"sql(
UPDATE market m SET volume_fed = coalesce(u.planned_volume, 0)
  FROM work_unit u
 WHERE u.unit_id = ANY($1::int[]) AND u.kind = 'holders'
   AND to_timestamp(u.reached) >= u.volume_at
   AND m.condition_id = decode(substr(u.task, 3), 'hex'))sql";

constexpr char kDueNoMore[] = R"sql(
DELETE FROM wallet_due d USING wallet_sync s
 WHERE d.wallet_id = ANY($1::int[]) AND s.wallet_id = d.wallet_id
   AND s.status = 2 AND s.complete_to >= d.seen_ts)sql";

constexpr char kRefused[] = R"sql(
DELETE FROM wallet_due d USING wallet_sync s
 WHERE d.wallet_id = ANY($1::int[]) AND s.wallet_id = d.wallet_id
   AND d.seen_ts = 0 AND NOT d.skipped AND s.status = 3 AND s.error_count >= $2)sql";

constexpr int kRefusalsAtMost = 3;

// What other runs have told ahead of the coverage joins it, too, unless wallets have been synced
// since: a source that takes a wallet over deletes rows behind what is covered. Within what is
// covered, from $3 to $4, there is nothing to learn.
constexpr char kRangesDone[] = R"sql(
SELECT u.task, u.reached, u.begins_at, u.complete_to FROM work_unit u
 WHERE u.kind = 'range' AND u.status = 2 AND u.reached > 0 AND u.task LIKE $2 || ' %'
   AND (u.reached > $4 OR u.begins_at <= $3)
   AND (u.done_run = $1 OR NOT EXISTS (
     SELECT 1 FROM run r WHERE 'trades' = ANY (r.stages) AND r.run_id <> $1
        AND r.stage >= array_position(r.stages, 'trades') AND r.state <> 'queued'
        AND coalesce(r.finished_at, now()) >= coalesce(u.last_synced_at, '-infinity'))))sql";

// The block with which it begins is that of the range that tells so; ranges from the first one on
// have nothing before them.
constexpr char kCoverage[] = R"sql(
SELECT c.source, c.from_ts, c.to_ts, c.to_block,
       CASE WHEN c.from_ts > 1 AND c.to_block > 0 AND c.to_ts >= c.from_ts THEN coalesce((
         SELECT max(substring(u.task FROM ' (\d+)-')::bigint) FROM work_unit u
          WHERE u.kind = 'range' AND u.task LIKE 'rpc %' AND u.begins_at = c.from_ts), 0)
       ELSE 0 END
FROM coverage c ORDER BY c.source)sql";

}  // namespace

Status SettleRanges(PgConnection& connection, RunId run) {
  auto coverages = ReadCoverage(connection);
  if (!coverages) return coverages.error();
  for (const plans::Coverage& coverage : *coverages) {
    const auto rows = connection.Exec(kRangesDone, PgParams()
                                                       .Int64(run.value)
                                                       .Text(common::ToString(coverage.source))
                                                       .Int64(coverage.from_ts)
                                                       .Int64(coverage.last()));
    if (!rows) return rows.error();
    std::vector<plans::RangeDone> done;
    for (int i = 0; i < rows->size(); ++i) {
      const auto task = plans::ParseRangeTask(std::string(rows->Text(i, 0)));
      if (!task) continue;
      done.push_back({*task, rows->Int64(i, 1), rows->Int64(i, 2), rows->Int64(i, 3)});
    }
    const plans::Coverage now = plans::Advance(coverage, std::move(done));
    if (now == coverage) continue;
    if (Status written = WriteCoverage(connection, now); !written) return written;
  }
  return Done{};
}

namespace {

Status SettleResolutions(PgConnection& connection, const std::vector<std::int32_t>& done) {
  const auto rows = connection.Exec(
      "SELECT task FROM work_unit WHERE unit_id = ANY($1::int[]) AND task LIKE 'resolutions %'",
      PgParams().Int32s(done));
  if (!rows) return rows.error();
  std::vector<std::string> conditions;
  for (int i = 0; i < rows->size(); ++i) {
    for (std::string& one : plans::ConditionsOf(std::string(rows->Text(i, 0)))) {
      conditions.push_back(std::move(one));
    }
  }
  if (conditions.empty()) return Done{};
  return Execute(connection,
                 "UPDATE market SET resolution_asked_at = now() WHERE condition_id IN "
                 "(SELECT decode(substr(c, 3), 'hex') FROM unnest($1::text[]) AS c)",
                 PgParams().Texts(conditions));
}

}  // namespace

Status AddUnits(PgConnection& connection, std::vector<ChunkContent>& contents) {
  std::map<std::int64_t, ChunkContent*> by_chunk;
  std::vector<std::int64_t> chunks;
  for (ChunkContent& content : contents) {
    by_chunk[content.chunk.value] = &content;
    chunks.push_back(content.chunk.value);
  }
  const auto rows = connection.Exec(kUnits, PgParams().Int64s(chunks));
  if (!rows) return rows.error();
  for (int i = 0; i < rows->size(); ++i) {
    const auto found = by_chunk.find(rows->Int64(i, 0));
    if (found == by_chunk.end()) continue;
    WalletRow unit;
    unit.id = {static_cast<std::int32_t>(rows->Int64(i, 1))};
    unit.task = rows->Text(i, 2);
    unit.position = rows->Bytes(i, 3);
    unit.complete_to = rows->Int64(i, 4);
    found->second->wallets.push_back(std::move(unit));
  }
  return Done{};
}

Result<std::vector<plans::Coverage>> ReadCoverage(PgConnection& connection) {
  const auto rows = connection.Exec(kCoverage);
  if (!rows) return rows.error();
  std::vector<plans::Coverage> coverages;
  coverages.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) {
    coverages.push_back({static_cast<common::Source>(rows->Int64(i, 0)), rows->Int64(i, 1),
                         rows->Int64(i, 2), rows->Int64(i, 3), rows->Int64(i, 4)});
  }
  return coverages;
}

Status WriteCoverage(PgConnection& connection, const plans::Coverage& coverage) {
  return Execute(connection,
                 "INSERT INTO coverage (source, from_ts, to_ts, to_block) VALUES ($1, $2, $3, $4) "
                 "ON CONFLICT (source) DO UPDATE SET from_ts = EXCLUDED.from_ts, "
                 "to_ts = EXCLUDED.to_ts, to_block = EXCLUDED.to_block",
                 PgParams()
                     .Int16(static_cast<std::int16_t>(coverage.source))
                     .Int64(coverage.from_ts)
                     .Int64(coverage.to_ts)
                     .Int64(coverage.to_block));
}

Status CoverWallets(PgConnection& connection, std::vector<ChunkContent>& contents) {
  const auto coverages = ReadCoverage(connection);
  if (!coverages) return coverages.error();
  const bool any = std::any_of(coverages->begin(), coverages->end(),
                               [](const auto& one) { return one.to_ts >= one.from_ts; });
  std::vector<std::int32_t> wallets;
  for (const ChunkContent& content : contents) {
    for (const WalletRow& row : content.wallets) {
      if (row.task.empty()) wallets.push_back(row.id.value);
    }
  }
  if (!any || wallets.empty()) return Done{};
  const auto rows = connection.Exec(
      "SELECT wallet_id, seen_ts FROM wallet_due WHERE skipped AND wallet_id = ANY($1::int[])",
      PgParams().Int32s(wallets));
  if (!rows) return rows.error();
  std::map<std::int32_t, common::UnixSeconds> skipped;
  for (int i = 0; i < rows->size(); ++i) {
    skipped[static_cast<std::int32_t>(rows->Int64(i, 0))] = rows->Int64(i, 1);
  }
  for (ChunkContent& content : contents) {
    for (WalletRow& row : content.wallets) {
      if (!row.task.empty()) continue;
      const auto found = skipped.find(row.id.value);
      row.cursors =
          plans::WithCoverage(std::move(row.cursors), *coverages,
                              found == skipped.end() ? std::nullopt : std::optional(found->second));
    }
  }
  return Done{};
}

Status Settle(PgConnection& connection, RunId run, const std::string& kind,
              const std::vector<std::int32_t>& done) {
  if (done.empty()) return Done{};
  if (kind == "trades") return Execute(connection, kDueNoMore, PgParams().Int32s(done));
  if (kind == "holders") return Execute(connection, kFed, PgParams().Int32s(done));
  if (kind == "range") return SettleRanges(connection, run);
  if (kind == "markets") return SettleResolutions(connection, done);
  return Done{};
}

Status SettleRefused(PgConnection& connection, const std::string& kind,
                     const std::vector<std::int32_t>& refused) {
  if (kind != "trades" || refused.empty()) return Done{};
  return Execute(connection, kRefused, PgParams().Int32s(refused).Int32(kRefusalsAtMost));
}

Status QuarantineUnit(PgConnection& connection, std::int32_t unit, const std::string& reason) {
  return Execute(connection,
                 "UPDATE work_unit SET status = 3, quarantined = true, "
                 "error_count = error_count + 1, last_error = $2 WHERE unit_id = $1",
                 PgParams().Int32(unit).Text(reason));
}

}  // namespace coordinator
