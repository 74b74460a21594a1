#include "worker/store/unit_tables.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "worker/store/clean_text.h"
#include "worker/store/id_bytes.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using common::UnixSeconds;
using common::WalletId;

constexpr char kDue[] =
    "INSERT INTO wallet_due AS d (wallet_id, seen_ts, skipped) "
    "SELECT u.wallet_id, u.seen_ts, u.skipped "
    "FROM unnest($1, $2, $3) AS u(wallet_id, seen_ts, skipped) "
    "LEFT JOIN wallet_sync s ON s.wallet_id = u.wallet_id "
    "WHERE u.skipped OR coalesce(s.complete_to, 0) < greatest(u.seen_ts, 1) ORDER BY u.wallet_id "
    "ON CONFLICT (wallet_id) DO UPDATE SET seen_ts = greatest(d.seen_ts, EXCLUDED.seen_ts), "
    "skipped = d.skipped OR EXCLUDED.skipped "
    "WHERE d.seen_ts < EXCLUDED.seen_ts OR (EXCLUDED.skipped AND NOT d.skipped)";

constexpr char kActivity[] =
    "INSERT INTO activity (wallet_id, ts, tx, event_key, kind, condition_id, token_key, size, "
    "usdc) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) ORDER BY 1, 2, 3, 4 "
    "ON CONFLICT DO NOTHING";

constexpr char kPositions[] = R"sql(
INSERT INTO position AS p (wallet_id, token_key, condition_id, size, total_size, avg_price,
  entry_cost, entry_fees, current_price, current_value, realized_pnl, unrealized_pnl, status,
  outcome, outcome_index, first_entry_at, last_event_at, seen_run)
SELECT u.wallet_id, u.token_key, u.condition_id, round(u.size / 1000000.0, 6),
  round(u.total_size / 1000000.0, 6), round(u.avg_price / 1000000.0, 6),
  round(u.entry_cost / 1000000.0, 6), round(u.entry_fees / 1000000.0, 6),
  round(u.current_price / 1000000.0, 6), round(u.current_value / 1000000.0, 6),
  round(u.realized_pnl / 1000000.0, 6), round(u.unrealized_pnl / 1000000.0, 6),
  nullif(u.status, ''), nullif(u.outcome, ''), u.outcome_index, nullif(u.first_entry_at, 0),
  nullif(u.last_event_at, 0), $1::bigint
FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
  AS u(wallet_id, token_key, condition_id, size, total_size, avg_price, entry_cost, entry_fees,
       current_price, current_value, realized_pnl, unrealized_pnl, status, outcome, outcome_index,
       first_entry_at, last_event_at)
ORDER BY 1, 2
ON CONFLICT (wallet_id, token_key) DO UPDATE SET
  condition_id = EXCLUDED.condition_id, size = EXCLUDED.size, total_size = EXCLUDED.total_size,
  avg_price = EXCLUDED.avg_price, entry_cost = EXCLUDED.entry_cost,
  entry_fees = EXCLUDED.entry_fees, current_price = EXCLUDED.current_price,
  current_value = EXCLUDED.current_value, realized_pnl = EXCLUDED.realized_pnl,
  unrealized_pnl = EXCLUDED.unrealized_pnl, status = EXCLUDED.status, outcome = EXCLUDED.outcome,
  outcome_index = EXCLUDED.outcome_index, first_entry_at = EXCLUDED.first_entry_at,
  last_event_at = EXCLUDED.last_event_at, seen_run = EXCLUDED.seen_run, missed_run = 0,
  seen_at = now()
)sql";

// Gone is what this walk and one before it did not tell; offering the batch again is no second
// walk.
constexpr char kForgetPositions[] =
    "DELETE FROM position WHERE wallet_id = ANY ($1) AND seen_run <> $2::bigint "
    "AND missed_run NOT IN (0, $2::bigint)";

constexpr char kMissPositions[] =
    "UPDATE position SET missed_run = $2::bigint WHERE wallet_id = ANY ($1) "
    "AND seen_run <> $2::bigint AND missed_run = 0";

constexpr char kValues[] =
    "INSERT INTO portfolio_value AS v (wallet_id, value) "
    "SELECT u.wallet_id, round(u.value / 1000000.0, 6) FROM unnest($1, $2) AS u(wallet_id, value) "
    "ORDER BY 1 "
    "ON CONFLICT (wallet_id) DO UPDATE SET value = EXCLUDED.value, at = now()";

// A batch that was offered before finds every unit where it left it. A failure is counted once.
constexpr char kUnits[] = R"sql(
WITH u AS MATERIALIZED (
  SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10)
    AS u(unit_id, position, status, error, rows, complete_to, begins_at, reached)),
locked AS MATERIALIZED (
  SELECT w.unit_id, w.epoch < $2::bigint OR w.status <> u.status
           OR w.position <> coalesce(u.position, w.position)
           OR (u.status = 3 AND w.last_error IS DISTINCT FROM u.error) AS moves
  FROM u JOIN work_unit w ON w.unit_id = u.unit_id WHERE w.epoch <= $2::bigint
  ORDER BY w.unit_id FOR UPDATE OF w)
UPDATE work_unit w SET
  position = coalesce(u.position, w.position), status = u.status,
  rows = w.rows + u.rows, complete_to = greatest(w.complete_to, u.complete_to),
  begins_at = CASE WHEN u.begins_at > 0 THEN u.begins_at ELSE w.begins_at END,
  reached = greatest(w.reached, u.reached),
  error_count = w.error_count + CASE WHEN u.status = 3 THEN 1 ELSE 0 END,
  last_error = CASE WHEN u.status = 1 THEN w.last_error ELSE u.error END,
  last_synced_at = CASE WHEN u.status = 2 THEN now() ELSE w.last_synced_at END,
  done_run = CASE WHEN u.status = 2 THEN $1::bigint ELSE w.done_run END,
  epoch = $2::bigint
FROM u, locked l WHERE w.unit_id = u.unit_id AND l.unit_id = u.unit_id AND l.moves
)sql";

// A condition whose trades were read was read at the volume that it had when that was planned, if
// the feed was not behind it; else it is planned again.
constexpr char kFed[] =
    "UPDATE market m SET volume_fed = w.planned_volume FROM work_unit w "
    "WHERE w.unit_id = ANY ($1) AND w.kind = 'holders' AND w.planned_volume IS NOT NULL "
    "AND to_timestamp(w.reached) >= w.volume_at "
    "AND m.condition_id = decode(right(w.task, 64), 'hex')";

void AddKey(PgArray& array, std::int32_t key) {
  if (key == 0) {
    array.AddNull();
  } else {
    array.Add(key);
  }
}

template <typename Id>
void AddBytes(PgArray& array, const std::optional<Id>& id) {
  if (id.has_value()) {
    array.Add(BytesOf(*id));
  } else {
    array.AddNull();
  }
}

}  // namespace

Status NoteDue(PgConnection& connection, const std::vector<FoundWallet>& wallets,
               const std::vector<WalletId>& ids) {
  struct Due {
    UnixSeconds seen = 0;
    bool is_left_out = false;
  };
  std::map<std::int32_t, Due> due;
  for (std::size_t i = 0; i < wallets.size(); ++i) {
    Due& one = due[ids[i].value];
    one.seen = std::max(one.seen, wallets[i].seen_ts);
    one.is_left_out = one.is_left_out || wallets[i].is_left_out;
  }
  if (due.empty()) return Done{};
  PgArray wallet = PgArray::OfInt32(), seen = PgArray::OfInt64(), skipped = PgArray::OfBool();
  for (const auto& [id, one] : due) {
    wallet.Add(id);
    seen.Add(one.seen);
    skipped.Add(one.is_left_out);
  }
  return Execute(connection, kDue, PgParams().Array(wallet).Array(seen).Array(skipped));
}

Result<std::uint64_t> InsertActivity(PgConnection& connection,
                                     const std::vector<WalletActivity>& rows,
                                     const std::vector<WalletId>& wallets,
                                     const std::vector<std::int32_t>& token_keys) {
  if (rows.empty()) return std::uint64_t{0};
  PgArray wallet = PgArray::OfInt32(), ts = PgArray::OfInt64(), tx = PgArray::OfBytes();
  PgArray event = PgArray::OfInt64(), kind = PgArray::OfInt16(), condition = PgArray::OfBytes();
  PgArray token = PgArray::OfInt32(), size = PgArray::OfInt64(), usdc = PgArray::OfInt64();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const sources::Activity& row = rows[i].row;
    wallet.Add(wallets[i].value);
    ts.Add(row.ts);
    tx.Add(BytesOf(row.tx));
    event.Add(row.event_key);
    kind.Add(static_cast<std::int16_t>(row.kind));
    AddBytes(condition, row.condition);
    AddKey(token, token_keys[i]);
    size.Add(row.size);
    usdc.Add(row.usdc);
  }
  PgParams params;
  for (const PgArray* column :
       {&wallet, &ts, &tx, &event, &kind, &condition, &token, &size, &usdc}) {
    params.Array(*column);
  }
  const Result<PgRows> stored = connection.Exec(kActivity, params);
  if (!stored) return stored.error();
  return static_cast<std::uint64_t>(stored->affected());
}

Status UpsertPositions(PgConnection& connection, common::RunId run,
                       const std::vector<sources::Position>& rows,
                       const std::vector<WalletId>& wallets,
                       const std::vector<std::int32_t>& token_keys) {
  using sources::Position;
  // A token may be told twice; one statement may not.
  std::map<std::pair<std::int32_t, std::int32_t>, const Position*> newest;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    newest[{wallets[i].value, token_keys[i]}] = &rows[i];
  }
  if (newest.empty()) return Done{};
  constexpr std::optional<std::int64_t> Position::*kAmounts[] = {
      &Position::size,          &Position::total_size,   &Position::avg_price,
      &Position::entry_cost,    &Position::entry_fees,   &Position::current_price,
      &Position::current_value, &Position::realized_pnl, &Position::unrealized_pnl};
  PgArray wallet = PgArray::OfInt32(), token = PgArray::OfInt32(), condition = PgArray::OfBytes();
  std::vector<PgArray> amounts(std::size(kAmounts), PgArray::OfInt64());
  PgArray status = PgArray::OfText(), outcome = PgArray::OfText(), index = PgArray::OfInt16();
  PgArray first = PgArray::OfInt64(), last = PgArray::OfInt64();
  for (const auto& [key, row] : newest) {
    wallet.Add(key.first);
    token.Add(key.second);
    AddBytes(condition, row->condition);
    for (std::size_t i = 0; i < amounts.size(); ++i) amounts[i].Add(row->*kAmounts[i]);
    status.Add(std::string_view(CleanText(row->status)));
    outcome.Add(std::string_view(CleanText(row->outcome)));
    if (row->outcome_index.has_value()) {
      index.Add(static_cast<std::int16_t>(*row->outcome_index));
    } else {
      index.AddNull();
    }
    first.Add(row->first_entry_at);
    last.Add(row->last_event_at);
  }
  PgParams params;
  params.Int64(run.value).Array(wallet).Array(token).Array(condition);
  for (const PgArray& amount : amounts) params.Array(amount);
  params.Array(status).Array(outcome).Array(index).Array(first).Array(last);
  return Execute(connection, kPositions, params);
}

Status EndPositions(PgConnection& connection, common::RunId run,
                    const std::vector<PositionsTold>& told, const std::vector<WalletId>& wallets) {
  if (told.empty()) return Done{};
  std::map<std::int32_t, std::int64_t> values;
  PgArray ended = PgArray::OfInt32();
  for (std::size_t i = 0; i < told.size(); ++i) {
    ended.Add(wallets[i].value);
    if (told[i].portfolio_value.has_value()) values[wallets[i].value] = *told[i].portfolio_value;
  }
  for (const char* sql : {kForgetPositions, kMissPositions}) {
    Status done = Execute(connection, sql, PgParams().Array(ended).Int64(run.value));
    if (!done) return done;
  }
  if (values.empty()) return Done{};
  PgArray wallet = PgArray::OfInt32(), value = PgArray::OfInt64();
  for (const auto& [id, millionths] : values) {
    wallet.Add(id);
    value.Add(millionths);
  }
  return Execute(connection, kValues, PgParams().Array(wallet).Array(value));
}

Status WriteUnitProgress(PgConnection& connection, const UnitBatch& batch,
                         const std::vector<UnitProgress>& units) {
  std::vector<const UnitProgress*> sorted;
  sorted.reserve(units.size());
  for (const UnitProgress& unit : units) sorted.push_back(&unit);
  std::ranges::sort(sorted, {}, [](const UnitProgress* unit) { return unit->unit; });
  PgArray id = PgArray::OfInt32(), position = PgArray::OfBytes(), status = PgArray::OfInt16();
  PgArray error = PgArray::OfText(), rows = PgArray::OfInt64(), complete_to = PgArray::OfInt64();
  PgArray begins_at = PgArray::OfInt64(), reached = PgArray::OfInt64();
  PgArray completed = PgArray::OfInt32();
  for (const UnitProgress* unit : sorted) {
    id.Add(unit->unit.value);
    if (unit->position.has_value()) {
      position.Add(std::string_view(*unit->position));
    } else {
      position.AddNull();
    }
    status.Add(static_cast<std::int16_t>(unit->state));
    if (unit->state == WalletState::kFailed) {
      error.Add(std::string_view(CleanText(unit->error, kErrorBytes)));
    } else {
      error.AddNull();
    }
    rows.Add(static_cast<std::int64_t>(unit->rows));
    complete_to.Add(unit->complete_to);
    begins_at.Add(unit->begins_at);
    reached.Add(unit->reached);
    if (unit->state == WalletState::kCompleted) completed.Add(unit->unit.value);
  }
  PgParams params;
  params.Int64(batch.run.value).Int64(batch.epoch.value);
  for (const PgArray* column :
       {&id, &position, &status, &error, &rows, &complete_to, &begins_at, &reached}) {
    params.Array(*column);
  }
  if (Status done = Execute(connection, kUnits, params); !done) return done;
  if (batch.kind != "holders" || completed.size() == 0) return Done{};
  return Execute(connection, kFed, PgParams().Array(completed));
}

}  // namespace worker::store
