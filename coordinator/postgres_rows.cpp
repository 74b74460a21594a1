#include "coordinator/postgres_rows.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "common/lease_session.h"
#include "coordinator/plans/trades.h"

namespace coordinator {
namespace {

using common::Done;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::RunId;
using common::Status;

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

}  // namespace

common::WalletAddress ReadAddress(const PgRows& rows, int row, int column) {
  common::WalletAddress address;
  const std::string bytes = rows.Bytes(row, column);
  std::copy_n(bytes.begin(), std::min(bytes.size(), address.bytes.size()), address.bytes.begin());
  return address;
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
  ids.reserve(chunks.size());
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

std::string Bounds() {
  return std::string("SET LOCAL lock_timeout = '") + common::kLockTimeout +
         "'; SET LOCAL idle_in_transaction_session_timeout = '" + common::kIdleInTransaction + "'";
}

Status SetSchedule(PgConnection& connection, const std::vector<ScheduleWish>& schedule) {
  for (const ScheduleWish& wish : schedule) {
    const auto rows = connection.Exec(
        "INSERT INTO schedule AS s (name, every_s, next_at, enabled) "
        "VALUES ($1, $2, now() + $2 * interval '1 second', $3) ON CONFLICT (name) DO UPDATE SET "
        "every_s = EXCLUDED.every_s, enabled = EXCLUDED.enabled, "
        "next_at = least(s.next_at, EXCLUDED.next_at)",
        PgParams().Text(wish.name).Int64(wish.every_s).Bool(wish.enabled));
    if (!rows) return rows.error();
  }
  return Done{};
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

}  // namespace coordinator
