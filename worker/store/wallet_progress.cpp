#include "worker/store/wallet_progress.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "common/check.h"
#include "worker/store/clean_text.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using common::WalletId;

// A subquery for each, so that it descends the primary key.
constexpr char kFindContradicted[] =
    "SELECT u.wallet_id FROM unnest($1, $2, $3) AS u(wallet_id, since, until) "
    "WHERE (SELECT 1 FROM trade t WHERE t.wallet_id = u.wallet_id "
    "AND t.ts BETWEEN u.since AND u.until LIMIT 1) IS NOT NULL";

// Until the walk has proven the newest second that is gone, the wallet is due, and no range counts
// as having told it.
constexpr char kTakeOverByWalk[] =
    "WITH gone AS (DELETE FROM trade t USING unnest($2, $3, $4, $5) "
    "AS u(wallet_id, owned_from, cursor_source, trade_source) "
    "WHERE t.wallet_id = u.wallet_id AND t.ts >= u.owned_from AND t.source <> u.trade_source "
    "AND NOT EXISTS (SELECT 1 FROM wallet_cursor c WHERE c.wallet_id = u.wallet_id "
    "AND c.source = u.cursor_source AND c.epoch > $1) "
    "RETURNING t.wallet_id, t.usdc, t.ts), "
    "due AS (INSERT INTO wallet_due AS d (wallet_id, seen_ts, skipped) "
    "SELECT wallet_id, max(ts), true FROM gone GROUP BY wallet_id ORDER BY wallet_id "
    "ON CONFLICT (wallet_id) DO UPDATE SET seen_ts = greatest(d.seen_ts, EXCLUDED.seen_ts), "
    "skipped = true) "
    "SELECT wallet_id, count(*), sum(usdc)::bigint FROM gone GROUP BY wallet_id";

// What another source has proven beyond the take-over is void: the rows are gone.
constexpr char kCutCursors[] =
    "UPDATE wallet_cursor c SET complete_to = least(c.complete_to, u.owned_from - 1), "
    "position = '' "
    "FROM unnest($2, $3, $4, $5) AS u(wallet_id, owned_from, cursor_source, trade_source) "
    "WHERE c.wallet_id = u.wallet_id AND c.source <> u.cursor_source AND c.epoch <= $1 "
    "AND (c.complete_to >= u.owned_from OR c.position <> '')";
constexpr char kDropCursors[] =
    "DELETE FROM wallet_cursor c "
    "USING unnest($2, $3, $4, $5) AS u(wallet_id, owned_from, cursor_source, trade_source) "
    "WHERE c.wallet_id = u.wallet_id AND c.source <> u.cursor_source AND c.epoch <= $1 "
    "AND c.owned_from >= u.owned_from";

// Returns the wallets that other sources have told too: their proof is for kProven. What was proven
// before a source took over, by syncs or by ranges, stays proven, although the cursors of that time
// are gone.
constexpr char kProgress[] = R"sql(
WITH u AS MATERIALIZED (
  SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    AS u(wallet_id, source, owned_from, complete_to, position, status, error, processed, last_ts,
         duration_ms, stored, volume)),
moved AS (
  INSERT INTO wallet_cursor AS c (wallet_id, source, owned_from, complete_to, position, epoch)
  SELECT wallet_id, source, owned_from, complete_to, position, $2 FROM u WHERE source IS NOT NULL
  ON CONFLICT (wallet_id, source) DO UPDATE
    SET owned_from = EXCLUDED.owned_from, complete_to = EXCLUDED.complete_to,
        position = EXCLUDED.position, epoch = EXCLUDED.epoch
    WHERE c.epoch < EXCLUDED.epoch
       OR (c.epoch = EXCLUDED.epoch AND (c.owned_from, c.complete_to, c.position)
           IS DISTINCT FROM (EXCLUDED.owned_from, EXCLUDED.complete_to, EXCLUDED.position))
  RETURNING c.wallet_id),
synced AS (
  INSERT INTO wallet_sync AS s (wallet_id, status, trades_stored, volume, trades_processed,
    last_trade_ts, complete_to, last_synced_at, duration_ms, error_count, last_error, done_run,
    epoch)
  SELECT u.wallet_id, u.status, u.stored, u.volume,
         CASE WHEN m.wallet_id IS NOT NULL OR u.status = 3 THEN u.processed ELSE 0 END, u.last_ts,
         CASE WHEN u.owned_from <= 1 THEN u.complete_to
              WHEN u.owned_from <= b.told + 1
              THEN greatest(least(coalesce(o.complete_to, 0), CASE WHEN u.wallet_id = ANY ($16)
                                  THEN u.owned_from - 1 ELSE o.complete_to END),
                            u.owned_from - 1, u.complete_to)
              ELSE 0 END,
         CASE WHEN u.status = 2 THEN now() END,
         CASE WHEN m.wallet_id IS NOT NULL OR u.status = 3 THEN u.duration_ms ELSE 0 END,
         CASE WHEN u.status = 3 THEN 1 ELSE 0 END, u.error,
         CASE WHEN u.status = 2 THEN $1 ELSE 0 END, $2
  FROM u LEFT JOIN moved m ON m.wallet_id = u.wallet_id
  LEFT JOIN wallet_sync o ON o.wallet_id = u.wallet_id
  CROSS JOIN LATERAL (SELECT greatest(coalesce(o.complete_to, 0), max(v.to_ts)) AS told
                      FROM coverage v WHERE v.from_ts <= coalesce(o.complete_to, 0) + 1) b
  ORDER BY u.wallet_id
  ON CONFLICT (wallet_id) DO UPDATE SET
    trades_stored = s.trades_stored + EXCLUDED.trades_stored,
    volume = s.volume + EXCLUDED.volume,
    last_trade_ts = greatest(s.last_trade_ts, EXCLUDED.last_trade_ts),
    trades_processed = s.trades_processed + CASE
      WHEN EXCLUDED.status = 3 AND s.status = 3 AND s.epoch = EXCLUDED.epoch
       AND s.last_error IS NOT DISTINCT FROM EXCLUDED.last_error
      THEN 0 ELSE EXCLUDED.trades_processed END,
    duration_ms = s.duration_ms + CASE
      WHEN EXCLUDED.status = 3 AND s.status = 3 AND s.epoch = EXCLUDED.epoch
       AND s.last_error IS NOT DISTINCT FROM EXCLUDED.last_error
      THEN 0 ELSE EXCLUDED.duration_ms END,
    error_count = s.error_count + CASE
      WHEN EXCLUDED.status = 3 AND s.status = 3 AND s.epoch = EXCLUDED.epoch
       AND s.last_error IS NOT DISTINCT FROM EXCLUDED.last_error
      THEN 0 ELSE EXCLUDED.error_count END,
    done_run = CASE WHEN EXCLUDED.done_run > 0 THEN EXCLUDED.done_run ELSE s.done_run END,
    last_synced_at = coalesce(EXCLUDED.last_synced_at, s.last_synced_at),
    status = CASE WHEN s.epoch <= EXCLUDED.epoch THEN EXCLUDED.status ELSE s.status END,
    last_error = CASE WHEN s.epoch > EXCLUDED.epoch THEN s.last_error
                      WHEN EXCLUDED.status = 1 THEN s.last_error ELSE EXCLUDED.last_error END,
    complete_to = CASE WHEN s.epoch <= EXCLUDED.epoch AND EXCLUDED.wallet_id = ANY ($15)
                       THEN EXCLUDED.complete_to ELSE s.complete_to END,
    epoch = greatest(s.epoch, EXCLUDED.epoch))
SELECT u.wallet_id FROM u
WHERE EXISTS (SELECT 1 FROM wallet_cursor c
              WHERE c.wallet_id = u.wallet_id AND c.source <> u.source)
)sql";

// The proven end of wallets that several sources tell: it goes through the periods of each, as far
// as they join.
constexpr char kProven[] = R"sql(
WITH period AS (
  SELECT wallet_id, owned_from, complete_to, min(owned_from) OVER w AS first_from,
         lead(owned_from) OVER o AS next_from
  FROM wallet_cursor WHERE wallet_id = ANY ($1)
  WINDOW w AS (PARTITION BY wallet_id),
         o AS (PARTITION BY wallet_id ORDER BY owned_from, complete_to)),
link AS (
  SELECT wallet_id, least(complete_to, next_from - 1) AS ends, first_from,
         bool_and(complete_to >= next_from - 1) OVER (PARTITION BY wallet_id
           ORDER BY next_from NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
           AS is_joined
  FROM period),
proven AS (
  SELECT wallet_id, coalesce(max(ends) FILTER (
           WHERE first_from <= 1 AND coalesce(is_joined, true)), 0) AS complete_to
  FROM link GROUP BY wallet_id)
UPDATE wallet_sync s SET complete_to = greatest(s.complete_to, p.complete_to) FROM proven p
WHERE s.wallet_id = p.wallet_id AND s.epoch = $2
)sql";

std::vector<const WalletProgress*> SortedById(const std::vector<WalletProgress>& wallets) {
  std::vector<const WalletProgress*> sorted;
  sorted.reserve(wallets.size());
  for (const WalletProgress& wallet : wallets) sorted.push_back(&wallet);
  std::ranges::sort(sorted, {}, [](const WalletProgress* wallet) { return wallet->wallet; });
  return sorted;
}

}  // namespace

Result<std::vector<WalletId>> FindContradicted(PgConnection& connection, const Batch& batch) {
  PgArray wallet = PgArray::OfInt32(), since = PgArray::OfInt64(), until = PgArray::OfInt64();
  for (const WalletProgress& progress : batch.wallets) {
    if (!progress.nothing_since || !progress.cursor) continue;
    wallet.Add(progress.wallet.value);
    since.Add(*progress.nothing_since);
    until.Add(progress.takes_over ? std::numeric_limits<std::int64_t>::max()
                                  : progress.cursor->complete_to);
  }
  std::vector<WalletId> contradicted;
  if (wallet.size() == 0) return contradicted;
  const Result<PgRows> rows =
      connection.Exec(kFindContradicted, PgParams().Array(wallet).Array(since).Array(until));
  if (!rows) return rows.error();
  for (int row = 0; row < rows->size(); ++row) {
    contradicted.push_back(WalletId{static_cast<std::int32_t>(rows->Int64(row, 0))});
  }
  return contradicted;
}

Result<Changes> TakeOver(PgConnection& connection, const Batch& batch) {
  PgArray wallet = PgArray::OfInt32(), from = PgArray::OfInt64();
  PgArray cursor_source = PgArray::OfInt16(), trade_source = PgArray::OfChar();
  for (const WalletProgress* progress : SortedById(batch.wallets)) {
    if (!progress->takes_over || !progress->cursor.has_value()) continue;
    const int source = static_cast<int>(progress->cursor->source);
    wallet.Add(progress->wallet.value);
    from.Add(progress->cursor->owned_from);
    cursor_source.Add(static_cast<std::int16_t>(source));
    trade_source.Add(static_cast<char>('0' + source));
  }
  Changes changes;
  if (wallet.size() == 0) return changes;
  const PgParams params = PgParams()
                              .Int64(batch.epoch.value)
                              .Array(wallet)
                              .Array(from)
                              .Array(cursor_source)
                              .Array(trade_source);
  for (const char* statement : {kDropCursors, kCutCursors}) {
    if (const Result<PgRows> cut = connection.Exec(statement, params); !cut) return cut.error();
  }
  const Result<PgRows> gone = connection.Exec(kTakeOverByWalk, params);
  if (!gone) return gone.error();
  for (int row = 0; row < gone->size(); ++row) {
    changes[static_cast<std::int32_t>(gone->Int64(row, 0))] = {
        .added = 0, .removed = gone->Int64(row, 1), .usdc = -gone->Int64(row, 2)};
  }
  return changes;
}

Status WriteProgress(PgConnection& connection, const Batch& batch, const Changes& changes) {
  PgArray wallet = PgArray::OfInt32(), source = PgArray::OfInt16(), status = PgArray::OfInt16();
  PgArray owned_from = PgArray::OfInt64(), complete_to = PgArray::OfInt64();
  PgArray position = PgArray::OfBytes(), error = PgArray::OfText();
  PgArray processed = PgArray::OfInt64(), last_ts = PgArray::OfInt64();
  PgArray duration = PgArray::OfInt64(), stored = PgArray::OfInt64(), volume = PgArray::OfInt64();
  PgArray with_cursor = PgArray::OfInt32(), taking_over = PgArray::OfInt32();
  std::size_t counted = 0;
  for (const WalletProgress* progress : SortedById(batch.wallets)) {
    wallet.Add(progress->wallet.value);
    if (progress->cursor.has_value()) {
      const common::Cursor& cursor = *progress->cursor;
      source.Add(static_cast<std::int16_t>(cursor.source));
      owned_from.Add(cursor.owned_from);
      complete_to.Add(cursor.complete_to);
      position.Add(std::string_view(cursor.position));
      with_cursor.Add(progress->wallet.value);
      if (progress->takes_over) taking_over.Add(progress->wallet.value);
    } else {
      for (PgArray* column : {&source, &owned_from, &complete_to, &position}) column->AddNull();
    }
    status.Add(static_cast<std::int16_t>(progress->state));
    if (progress->state == WalletState::kFailed) {
      error.Add(std::string_view(CleanText(progress->error, kErrorBytes)));
    } else {
      error.AddNull();
    }
    processed.Add(static_cast<std::int64_t>(progress->processed));
    last_ts.Add(progress->last_trade_ts);
    duration.Add(progress->duration_ms);
    const auto change = changes.find(progress->wallet.value);
    const bool has_change = change != changes.end();
    counted += has_change ? 1U : 0U;
    stored.Add(has_change ? change->second.added - change->second.removed : std::int64_t{0});
    volume.Add(has_change ? change->second.usdc : std::int64_t{0});
  }
  CHECK(counted == changes.size());  // Rows come with the progress of their wallet.
  if (wallet.size() == 0) return Done{};
  PgParams params;
  params.Int64(batch.run.value).Int64(batch.epoch.value);
  for (const PgArray* column :
       {&wallet, &source, &owned_from, &complete_to, &position, &status, &error, &processed,
        &last_ts, &duration, &stored, &volume, &with_cursor, &taking_over}) {
    params.Array(*column);
  }
  const Result<PgRows> several = connection.Exec(kProgress, params);
  if (!several) return several.error();
  if (several->empty()) return Done{};
  PgArray told_by_several = PgArray::OfInt32();
  for (int row = 0; row < several->size(); ++row) {
    told_by_several.Add(static_cast<std::int32_t>(several->Int64(row, 0)));
  }
  const Result<PgRows> proven =
      connection.Exec(kProven, PgParams().Array(told_by_several).Int64(batch.epoch.value));
  if (!proven) return proven.error();
  return Done{};
}

}  // namespace worker::store
