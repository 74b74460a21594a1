#include "worker/store/range_rows.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "worker/store/range_sorting.h"

namespace worker::store {
namespace {

using common::Done;
using common::PgArray;
using common::PgConnection;
using common::PgCopyIn;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Source;
using common::Status;
using common::UnixSeconds;
using common::WalletId;

// What ranges have covered counts as told by the cursors of their source.
constexpr char kCursors[] =
    "SELECT c.wallet_id, c.source, c.owned_from, greatest(c.complete_to, CASE WHEN "
    "v.from_ts <= greatest(c.complete_to, (SELECT max(o.complete_to) FROM wallet_cursor o "
    "WHERE o.wallet_id = c.wallet_id AND o.source <> c.source)) + 1 THEN v.to_ts ELSE 0 END), "
    "octet_length(c.position) > 0 "
    "FROM wallet_cursor c LEFT JOIN coverage v ON v.source = c.source "
    "WHERE c.wallet_id = ANY ($1) ORDER BY c.wallet_id, c.source";

constexpr char kTakeOverByRange[] =
    "WITH gone AS (DELETE FROM trade t USING unnest($1, $2) AS u(wallet_id, owned_from) "
    "WHERE t.wallet_id = u.wallet_id AND t.ts >= u.owned_from AND t.source <> $3::\"char\" "
    "RETURNING t.wallet_id, t.usdc) "
    "SELECT wallet_id, count(*), sum(usdc)::bigint FROM gone GROUP BY wallet_id";

// No index leads from seconds to rows. Whoever has rows in the span has a newest trade as young as
// its begin, and what is told anew is young itself: the cost follows the wallets that traded since,
// not those that are known.
constexpr char kTradedSince[] =
    "SELECT s.wallet_id FROM wallet_sync s WHERE s.last_trade_ts >= $2::bigint AND EXISTS "
    "(SELECT 1 FROM wallet_cursor c WHERE c.wallet_id = s.wallet_id AND c.source = $1::smallint)";

constexpr char kReplace[] =
    "WITH gone AS (DELETE FROM trade t WHERE t.wallet_id = ANY ($1) "
    "AND t.ts BETWEEN $2::bigint AND $3::bigint AND t.source = $4::\"char\" "
    "RETURNING t.wallet_id, t.usdc) "
    "SELECT wallet_id, count(*), sum(usdc)::bigint FROM gone GROUP BY wallet_id";

// How far the range has come is told by the coverage alone; without that, nobody takes over.
constexpr char kClaim[] =
    "INSERT INTO wallet_cursor AS c (wallet_id, source, owned_from, complete_to, position, epoch) "
    "SELECT u.wallet_id, $3::smallint, u.owned_from, 0, '', $4::bigint "
    "FROM unnest($1, $2) AS u(wallet_id, owned_from) ORDER BY u.wallet_id "
    "ON CONFLICT (wallet_id, source) DO UPDATE SET owned_from = CASE WHEN EXISTS (SELECT 1 "
    "FROM wallet_cursor o WHERE o.wallet_id = c.wallet_id AND o.source <> c.source "
    "AND o.owned_from > c.owned_from) THEN EXCLUDED.owned_from "
    "ELSE least(c.owned_from, EXCLUDED.owned_from) END, "
    "epoch = greatest(c.epoch, EXCLUDED.epoch)";

constexpr char kCount[] =
    "INSERT INTO wallet_sync AS s (wallet_id, trades_stored, volume, trades_processed, "
    "last_trade_ts, told_run) SELECT * FROM unnest($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (wallet_id) DO UPDATE SET trades_stored = s.trades_stored + "
    "EXCLUDED.trades_stored, volume = s.volume + EXCLUDED.volume, "
    "trades_processed = s.trades_processed + EXCLUDED.trades_processed, "
    "last_trade_ts = greatest(s.last_trade_ts, EXCLUDED.last_trade_ts), "
    "told_run = CASE WHEN EXCLUDED.told_run > 0 THEN EXCLUDED.told_run ELSE s.told_run END";

constexpr char kSkipped[] =
    "INSERT INTO wallet_due AS d (wallet_id, seen_ts, skipped) "
    "SELECT u.wallet_id, u.seen_ts, true FROM unnest($1, $2) AS u(wallet_id, seen_ts) "
    "ORDER BY u.wallet_id ON CONFLICT (wallet_id) DO UPDATE "
    "SET seen_ts = greatest(d.seen_ts, EXCLUDED.seen_ts), skipped = true "
    "WHERE NOT d.skipped OR d.seen_ts < EXCLUDED.seen_ts";

std::string DigitOf(Source source) {
  return std::to_string(static_cast<int>(source));
}

void Add(Changes& changes, const PgRows& gone) {
  for (int row = 0; row < gone.size(); ++row) {
    Change& change = changes[static_cast<std::int32_t>(gone.Int64(row, 0))];
    change.removed += gone.Int64(row, 1);
    change.usdc -= gone.Int64(row, 2);
  }
}

void Add(Changes& changes, const Changes& stored) {
  for (const auto& [wallet, change] : stored) {
    changes[wallet].added += change.added;
    changes[wallet].usdc += change.usdc;
  }
}

Result<Cursors> ReadCursors(PgConnection& connection, const std::vector<WalletId>& wallets) {
  std::vector<std::int32_t> ids;
  ids.reserve(wallets.size());
  for (const WalletId& wallet : wallets) ids.push_back(wallet.value);
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const Result<PgRows> rows = connection.Exec(kCursors, PgParams().Int32s(ids));
  if (!rows) return rows.error();
  Cursors cursors;
  for (int row = 0; row < rows->size(); ++row) {
    cursors[static_cast<std::int32_t>(rows->Int64(row, 0))].push_back(
        {static_cast<Source>(rows->Int64(row, 1)), rows->Int64(row, 2), rows->Int64(row, 3),
         rows->Bool(row, 4) ? "under way" : ""});
  }
  return cursors;
}

struct WalletSeconds {
  PgArray wallet = PgArray::OfInt32();
  PgArray second = PgArray::OfInt64();

  explicit WalletSeconds(const std::map<std::int32_t, UnixSeconds>& seconds) {
    for (const auto& [id, ts] : seconds) {
      wallet.Add(id);
      second.Add(ts);
    }
  }
};

Status NoteSkipped(PgConnection& connection, const Sorting& sorting) {
  if (sorting.skipped.empty()) return Done{};
  const WalletSeconds seconds(sorting.skipped);
  const Result<PgRows> noted =
      connection.Exec(kSkipped, PgParams().Array(seconds.wallet).Array(seconds.second));
  if (!noted) return noted.error();
  return Done{};
}

Status Claim(PgConnection& connection, const Sorting& sorting, Source source, common::Epoch epoch,
             const Cursors& cursors, Changes& changes) {
  if (sorting.claims.empty()) return Done{};
  const WalletSeconds claimed(sorting.claims);
  const Result<PgRows> written =
      connection.Exec(kClaim, PgParams()
                                  .Array(claimed.wallet)
                                  .Array(claimed.second)
                                  .Int16(static_cast<std::int16_t>(source))
                                  .Int64(epoch.value));
  if (!written) return written.error();
  // Only another source's walk can have left rows there.
  std::map<std::int32_t, UnixSeconds> told;
  for (const auto& [wallet, from] : sorting.claims) {
    if (cursors.contains(wallet)) told.emplace(wallet, from);
  }
  if (told.empty()) return Done{};
  const WalletSeconds taken(told);
  const Result<PgRows> gone = connection.Exec(
      kTakeOverByRange, PgParams().Array(taken.wallet).Array(taken.second).Text(DigitOf(source)));
  if (!gone) return gone.error();
  Add(changes, *gone);
  return Done{};
}

Status Replace(PgConnection& connection, const ReplacedSpan& span, Changes& changes) {
  const Result<PgRows> traded = connection.Exec(
      kTradedSince, PgParams().Int16(static_cast<std::int16_t>(span.source)).Int64(span.from));
  if (!traded) return traded.error();
  if (traded->empty()) return Done{};
  std::vector<std::int32_t> wallets;
  wallets.reserve(static_cast<std::size_t>(traded->size()));
  for (int row = 0; row < traded->size(); ++row) {
    wallets.push_back(static_cast<std::int32_t>(traded->Int64(row, 0)));
  }
  const Result<PgRows> gone = connection.Exec(
      kReplace,
      PgParams().Int32s(wallets).Int64(span.from).Int64(span.to).Text(DigitOf(span.source)));
  if (!gone) return gone.error();
  Add(changes, *gone);
  return Done{};
}

Status Insert(PgConnection& connection, const Sorting& sorting, Lane lane, Changes& changes) {
  const TradeRows rows(sorting.held, sorting.token_keys);
  if (rows.size() == 0) return Done{};
  if (lane == Lane::kReplay) {
    const Result<Changes> stored = rows.InsertMissing(connection);
    if (!stored) return stored.error();
    Add(changes, *stored);
    return Done{};
  }
  Result<PgCopyIn> copy = PgCopyIn::Start(connection, kCopyTrades);
  if (!copy) return copy.error();
  const Result<Changes> stored = rows.Copy(std::move(*copy));
  if (!stored) return stored.error();
  Add(changes, *stored);
  return Done{};
}

Status CountRows(PgConnection& connection, common::RunId run, const Changes& changes,
                 const std::map<std::int32_t, UnixSeconds>& newest) {
  PgArray wallet = PgArray::OfInt32(), stored = PgArray::OfInt64(), volume = PgArray::OfInt64();
  PgArray processed = PgArray::OfInt64(), last_ts = PgArray::OfInt64();
  PgArray told_run = PgArray::OfInt64();
  for (const auto& [id, change] : changes) {
    if (change.added == 0 && change.removed == 0) continue;
    wallet.Add(id);
    stored.Add(change.added - change.removed);
    volume.Add(change.usdc);
    processed.Add(change.added);
    const auto ts = newest.find(id);
    last_ts.Add(ts == newest.end() ? UnixSeconds{0} : ts->second);
    told_run.Add(change.added > 0 ? run.value : std::int64_t{0});
  }
  if (wallet.size() == 0) return Done{};
  const Result<PgRows> counted = connection.Exec(
      kCount,
      PgParams().Array(wallet).Array(stored).Array(volume).Array(processed).Array(last_ts).Array(
          told_run));
  if (!counted) return counted.error();
  return Done{};
}

}  // namespace

Result<std::uint64_t> WriteRange(PgConnection& connection, const UnitBatch& batch,
                                 const RangeRows& range, Lane lane) {
  Changes changes;
  for (const ReplacedSpan& span : range.rows.replaced) {
    if (const Status done = Replace(connection, span, changes); !done) return done.error();
  }
  std::map<std::int32_t, UnixSeconds> newest;
  if (!range.rows.trades.empty()) {
    const Result<Cursors> cursors = ReadCursors(connection, range.wallets);
    if (!cursors) return cursors.error();
    for (const Source source : {Source::kSubgraph, Source::kRpc}) {
      const Sorting sorting = Sort(range, source, *cursors);
      if (const Status done = NoteSkipped(connection, sorting); !done) return done.error();
      if (const Status done = Claim(connection, sorting, source, batch.epoch, *cursors, changes);
          !done) {
        return done.error();
      }
      if (const Status done = Insert(connection, sorting, lane, changes); !done) {
        return done.error();
      }
      for (const auto& [wallet, ts] : sorting.newest) newest[wallet] = std::max(newest[wallet], ts);
    }
  }
  if (const Status done = CountRows(connection, batch.run, changes, newest); !done)
    return done.error();
  std::int64_t added = 0;
  for (const auto& [wallet, change] : changes) added += change.added;
  return static_cast<std::uint64_t>(added);
}

}  // namespace worker::store
