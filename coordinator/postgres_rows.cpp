#include "coordinator/postgres_rows.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace coordinator {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::RunId;
using common::Status;

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

constexpr char kChunkColumns[] = R"sql(
SELECT c.chunk_id, c.run_id, c.epoch, c.state, coalesce(c.owner, ''), c.round,
       greatest(0, coalesce(extract(epoch FROM c.not_before - now()) * 1000, 0))::bigint,
       cardinality(c.wallets), c.weight,
       cardinality(c.wallets) = 1 AND EXISTS (
         SELECT 1 FROM wallet_blame b
          WHERE b.wallet_id = c.wallets[1] AND b.kind = c.kind
            AND b.died_at > now() - interval '72 hours'),
       c.kind
FROM chunk c )sql";

// Wallets of a run after `after`, in pages.
constexpr char kRunWallets[] = R"sql(
SELECT w.wallet_id, coalesce(s.trades_stored, 0), coalesce(s.complete_to, 0),
       coalesce(s.last_trade_ts, 0), coalesce(s.quarantined, false),
       coalesce(s.last_error, ''), extract(epoch FROM now())::bigint
FROM (SELECT wallet_id FROM wallet WHERE $1::text IS NULL AND wallet_id > $2
      UNION ALL
      SELECT wallet_id FROM selection_wallet WHERE selection = $1::text AND wallet_id > $2
      ORDER BY wallet_id LIMIT $3) w
LEFT JOIN wallet_sync s ON s.wallet_id = w.wallet_id
ORDER BY w.wallet_id)sql";

// The same of wallets that are due, the most wanted first. A quarantined one waits for a retry.
constexpr char kDueWallets[] = R"sql(
SELECT d.wallet_id, coalesce(s.trades_stored, 0), coalesce(s.complete_to, 0),
       coalesce(s.last_trade_ts, 0), false, '', extract(epoch FROM now())::bigint
FROM wallet_due d LEFT JOIN wallet_sync s ON s.wallet_id = d.wallet_id
WHERE NOT coalesce(s.quarantined, false)
ORDER BY coalesce(s.volume, 0) >= 100000000000 DESC, coalesce(s.complete_to, 0) = 0 DESC,
         coalesce(s.complete_to, 0), d.wallet_id
LIMIT $1)sql";

constexpr std::int32_t kWalletsAtOnce = 50'000;

ChunkRow ReadChunk(const PgRows& rows, int i) {
  ChunkRow chunk;
  chunk.id = {rows.Int64(i, 0)};
  chunk.run = {rows.Int64(i, 1)};
  chunk.epoch = {rows.Int64(i, 2)};
  const std::string_view state = rows.Text(i, 3);
  chunk.state = state == "pending"  ? ChunkRow::State::kPending
                : state == "leased" ? ChunkRow::State::kLeased
                                    : ChunkRow::State::kDone;
  chunk.owner = {std::string(rows.Text(i, 4))};
  chunk.round = static_cast<int>(rows.Int64(i, 5));
  chunk.due_in = std::chrono::milliseconds(rows.Int64(i, 6));
  chunk.wallets = static_cast<std::uint32_t>(rows.Int64(i, 7));
  chunk.weight = rows.Int64(i, 8);
  chunk.suspect = rows.Bool(i, 9);
  chunk.kind = rows.Text(i, 10);
  return chunk;
}

Result<std::vector<ChunkRow>> ReadChunks(PgConnection& connection, const std::string& condition,
                                         const PgParams& params) {
  const auto rows = connection.Exec(kChunkColumns + condition + " ORDER BY c.chunk_id", params);
  if (!rows) return rows.error();
  std::vector<ChunkRow> chunks;
  chunks.reserve(static_cast<std::size_t>(rows->size()));
  for (int i = 0; i < rows->size(); ++i) chunks.push_back(ReadChunk(*rows, i));
  return chunks;
}

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

common::WalletAddress ReadAddress(const PgRows& rows, int row, int column) {
  common::WalletAddress address;
  const std::string bytes = rows.Bytes(row, column);
  std::copy_n(bytes.begin(), std::min(bytes.size(), address.bytes.size()), address.bytes.begin());
  return address;
}

Result<RunRow> ReadRun(PgConnection& connection, RunId run) {
  auto runs = Runs(connection, PgParams().Int64(run.value).Int32(1));
  if (!runs) return runs.error();
  if (runs->empty()) return Error{ErrorKind::kRejected, "there is no such run"};
  return std::move(runs->front());
}

Result<std::vector<RunRow>> ReadRuns(PgConnection& connection, int limit) {
  return Runs(connection, PgParams().Null().Int32(limit));
}

Result<std::vector<ChunkRow>> ReadOpenChunks(PgConnection& connection, RunId run,
                                             bool only_pending) {
  return ReadChunks(connection,
                    only_pending ? "WHERE c.run_id = $1 AND c.state = 'pending'"
                                 : "WHERE c.run_id = $1 AND c.state <> 'done'",
                    PgParams().Int64(run.value));
}

Result<std::vector<ChunkRow>> ReadChunks(PgConnection& connection,
                                         const std::vector<std::int64_t>& chunks) {
  return ReadChunks(connection, "WHERE c.chunk_id = ANY($1::bigint[])", PgParams().Int64s(chunks));
}

// Arrays of different lengths cannot be unnested side by side: each comes as text.
Result<std::vector<std::int64_t>> InsertChunks(PgConnection& connection, RunId run,
                                               const std::string& kind,
                                               const std::vector<NewChunk>& chunks) {
  std::vector<std::string> wallets;
  std::vector<std::int64_t> weights;
  std::vector<std::int32_t> rounds;
  std::vector<std::int64_t> waits;
  for (const NewChunk& chunk : chunks) {
    std::string text = "{";
    for (const std::int32_t wallet : chunk.wallets) {
      if (text.size() > 1) text += ',';
      text += std::to_string(wallet);
    }
    wallets.push_back(text + "}");
    weights.push_back(chunk.weight);
    rounds.push_back(chunk.round);
    waits.push_back(chunk.wait_ms);
  }
  const auto rows = connection.Exec(
      "INSERT INTO chunk (run_id, kind, stage, wallets, weight, round, not_before) "
      "SELECT $1, $2, (SELECT stage FROM run WHERE run_id = $1), u.wallets::int[], u.weight, "
      "       u.round, "
      "       CASE WHEN u.wait > 0 THEN now() + u.wait * interval '1 millisecond' END "
      "FROM unnest($3::text[], $4::bigint[], $5::int[], $6::bigint[]) WITH ORDINALITY "
      "     AS u(wallets, weight, round, wait, place) ORDER BY u.place RETURNING chunk_id",
      PgParams().Int64(run.value).Text(kind).Texts(wallets).Int64s(weights).Int32s(rounds).Int64s(
          waits));
  if (!rows) return rows.error();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < rows->size(); ++i) ids.push_back(rows->Int64(i, 0));
  return ids;
}

Result<FleetSettings> ReadSettings(PgConnection& connection) {
  const auto rows = connection.Exec(
      "SELECT name, value #>> '{}' FROM fleet_setting WHERE name IN ('paused', 'desired') "
      "UNION ALL SELECT 'stopped', jsonb_array_elements_text(value) FROM fleet_setting "
      "WHERE name = 'stopped'");
  if (!rows) return rows.error();
  FleetSettings settings;
  for (int i = 0; i < rows->size(); ++i) {
    const std::string_view name = rows->Text(i, 0);
    const std::string value(rows->Text(i, 1));
    if (name == "paused") settings.paused = value == "true";
    if (name == "desired") settings.desired = std::atoi(value.c_str());
    if (name == "stopped") settings.stopped.push_back(value);
  }
  return settings;
}

NewChunk ChunkOf(std::vector<std::int32_t> wallets, int round, std::int64_t wait_ms) {
  NewChunk chunk;
  chunk.weight = static_cast<std::int64_t>(wallets.size()) * plans::kWalletWeight;
  chunk.wallets = std::move(wallets);
  chunk.round = round;
  chunk.wait_ms = wait_ms;
  return chunk;
}

Result<std::vector<ChunkRow>> Create(PgConnection& connection, RunId run, const std::string& kind,
                                     const std::vector<NewChunk>& chunks) {
  if (chunks.empty()) return std::vector<ChunkRow>{};
  const auto ids = InsertChunks(connection, run, kind, chunks);
  if (!ids) return ids.error();
  return ReadChunks(connection, *ids);
}

Status AddUse(PgConnection& connection, RunId run, const RunUse& use) {
  if (use.trades == 0 && use.requests == 0 && use.retries == 0 && use.throttled == 0) {
    return Done{};
  }
  const auto rows = connection.Exec(
      "UPDATE run SET trades = trades + $2, requests = requests + $3, retries = retries + $4, "
      "throttled = throttled + $5 WHERE run_id = $1 AND state = 'running'",
      PgParams()
          .Int64(run.value)
          .Int64(use.trades)
          .Int64(use.requests)
          .Int64(use.retries)
          .Int64(use.throttled));
  if (!rows) return rows.error();
  return Done{};
}

Status WriteFailures(PgConnection& connection, RunId run, const std::string& kind,
                     const std::vector<WalletFailure>& failures) {
  if (failures.empty()) return Done{};
  common::PgArray wallets = common::PgArray::OfInt32();
  common::PgArray finals = common::PgArray::OfBool();
  common::PgArray reasons = common::PgArray::OfText();
  for (const WalletFailure& failure : failures) {
    wallets.Add(failure.wallet.value);
    finals.Add(failure.final);
    reasons.Add(failure.reason);
  }
  const auto rows = connection.Exec(
      "INSERT INTO run_failure (run_id, kind, stage, wallet_id, reason, final) "
      "SELECT $1, $5, (SELECT stage FROM run WHERE run_id = $1), u.wallet, u.reason, u.final "
      "FROM unnest($2::int[], $3::bool[], $4::text[]) AS u(wallet, final, reason) "
      "ORDER BY u.wallet "
      "ON CONFLICT (run_id, kind, wallet_id) DO UPDATE "
      "SET reason = EXCLUDED.reason, final = run_failure.final OR EXCLUDED.final",
      PgParams().Int64(run.value).Array(wallets).Array(finals).Array(reasons).Text(kind));
  if (!rows) return rows.error();
  return Done{};
}

namespace {

// Columns as kRunWallets has them.
void AddWallet(const PgRows& rows, int i, RunWallets& wallets) {
  const auto wallet = static_cast<std::int32_t>(rows.Int64(i, 0));
  if (rows.Bool(i, 4)) {
    wallets.quarantined.push_back({{wallet}, true, std::string(rows.Text(i, 5))});
    return;
  }
  wallets.trades_stored += rows.Int64(i, 1);
  const plans::WalletHistory history{rows.Int64(i, 1), rows.Int64(i, 2), rows.Int64(i, 3)};
  constexpr std::int64_t kMostExpected = 1'000'000'000;
  const auto expected = std::min(kMostExpected, plans::ExpectedTrades(history, rows.Int64(i, 6)));
  wallets.loads.push_back({{wallet}, static_cast<std::int32_t>(expected)});
}

}  // namespace

Result<RunWallets> ReadDueWallets(PgConnection& connection, std::optional<std::int64_t> most) {
  const auto rows =
      connection.Exec(kDueWallets, most ? PgParams().Int64(*most) : PgParams().Null());
  if (!rows) return rows.error();
  RunWallets wallets;
  for (int i = 0; i < rows->size(); ++i) AddWallet(*rows, i, wallets);
  return wallets;
}

Result<RunWallets> ReadRunWallets(PgConnection& connection, const std::string* selection) {
  RunWallets wallets;
  for (std::int32_t after = -1;;) {
    PgParams params;
    if (selection != nullptr) {
      params.Text(*selection);
    } else {
      params.Null();
    }
    const auto rows = connection.Exec(kRunWallets, params.Int32(after).Int32(kWalletsAtOnce));
    if (!rows) return rows.error();
    for (int i = 0; i < rows->size(); ++i) {
      after = static_cast<std::int32_t>(rows->Int64(i, 0));
      AddWallet(*rows, i, wallets);
    }
    if (rows->size() < kWalletsAtOnce) return wallets;
  }
}

}  // namespace coordinator
