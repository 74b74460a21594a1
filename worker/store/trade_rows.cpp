#include "worker/store/trade_rows.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/check.h"

namespace worker::store {
namespace {

using common::PgArray;
using common::PgConnection;
using common::PgCopyIn;
using common::PgParams;
using common::PgRows;
using common::Result;
using common::Status;
using common::Trade;

constexpr std::size_t kHeadBytes = 8;
constexpr std::int16_t kColumns = 14;

constexpr char kInsert[] =
    "WITH stored AS (INSERT INTO trade (size, usdc, fee, ts, tx_head, event_key, wallet_id, "
    "token_key, log_index, side, role, exchange_version, source, tx_rest) "
    "SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
    "ON CONFLICT DO NOTHING RETURNING wallet_id, usdc) "
    "SELECT wallet_id, count(*), sum(usdc)::bigint FROM stored GROUP BY wallet_id";

// A subquery for each key, not a join: it descends the primary key however large the table is,
// where the planner might read all of it for a join.
constexpr char kMissing[] =
    "SELECT u.place FROM unnest($1, $2, $3, $4) WITH ORDINALITY "
    "AS u(wallet_id, ts, tx_head, event_key, place) "
    "WHERE (SELECT 1 FROM trade t WHERE t.wallet_id = u.wallet_id AND t.ts = u.ts "
    "AND t.tx_head = u.tx_head AND t.event_key = u.event_key) IS NULL ORDER BY u.place";

std::uint64_t HeadOf(const common::TxHash& tx) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < kHeadBytes; ++i) head = head << 8U | tx.bytes[i];
  return head;
}

std::string_view RestOf(const common::TxHash& tx) {
  return {reinterpret_cast<const char*>(tx.bytes.data()) + kHeadBytes,
          tx.bytes.size() - kHeadBytes};
}

// Small enumerations are stored as their digit.
template <typename Enum>
char Digit(Enum value) {
  return static_cast<char>('0' + static_cast<int>(value));
}

// As PostgreSQL compares the primary key: tx_head is signed there.
template <typename Key>
auto OrderOf(const Key& key) {
  return std::tuple(key.wallet, key.ts, static_cast<std::int64_t>(key.tx_head), key.event_key);
}

template <typename Key>
bool IsBefore(const Key& a, const Key& b) {
  return OrderOf(a) < OrderOf(b);
}

// The end of the run that begins here: keys of one wallet whose seconds only fall, or only rise.
// Leaves it sorted.
template <typename Iterator>
Iterator SortRun(Iterator begin, Iterator end) {
  using Key = typename std::iterator_traits<Iterator>::value_type;
  Iterator at = begin + 1;
  const bool is_falling = at != end && at->ts <= begin->ts;
  const auto goes_on = [&](const Key& next, const Key& last) {
    return next.wallet == last.wallet && (is_falling ? next.ts <= last.ts : next.ts >= last.ts);
  };
  while (at != end && goes_on(*at, *(at - 1))) ++at;
  if (is_falling) std::reverse(begin, at);
  // Within a second the order is arbitrary.
  if (!std::is_sorted(begin, at, IsBefore<Key>)) std::sort(begin, at, IsBefore<Key>);
  return at;
}

// A batch is made of pages, each of one wallet and nearly sorted, newest first or oldest first.
// Sorting the pages and putting them in order is mostly all there is to do.
template <typename Key>
void SortByRuns(std::vector<Key>& keys) {
  using Iterator = typename std::vector<Key>::iterator;
  std::vector<std::pair<Iterator, Iterator>> runs;
  for (Iterator begin = keys.begin(); begin != keys.end();) {
    const Iterator end = SortRun(begin, keys.end());
    runs.emplace_back(begin, end);
    begin = end;
  }
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return IsBefore(*a.first, *b.first); });
  std::vector<Key> sorted;
  sorted.reserve(keys.size());
  for (const auto& [begin, end] : runs) sorted.insert(sorted.end(), begin, end);
  keys = std::move(sorted);
  if (!std::is_sorted(keys.begin(), keys.end(), IsBefore<Key>)) {
    std::sort(keys.begin(), keys.end(), IsBefore<Key>);
  }
}

}  // namespace

const char kCopyTrades[] =
    "COPY trade (size, usdc, fee, ts, tx_head, event_key, wallet_id, token_key, log_index, side, "
    "role, exchange_version, source, tx_rest) FROM STDIN (FORMAT binary)";

TradeRows::TradeRows(const Batch& batch, const std::vector<std::int32_t>& token_keys)
    : batch_(batch), token_keys_(token_keys) {
  CHECK(batch.rows.size() == token_keys.size());
  keys_.reserve(batch.rows.size());
  for (const TradeRow& row : batch.rows) {
    keys_.push_back({row.trade.ts, HeadOf(row.trade.tx), row.trade.event_key, row.wallet.value,
                     static_cast<std::uint32_t>(keys_.size())});
  }
  SortByRuns(keys_);
  const auto is_same = [](const Key& a, const Key& b) {
    return OrderOf(a) == OrderOf(b);
  };
  keys_.erase(std::unique(keys_.begin(), keys_.end(), is_same), keys_.end());
}

Result<Changes> TradeRows::Copy(PgCopyIn copy) const {
  Changes changes;
  Change* change = nullptr;
  std::int32_t wallet = -1;
  for (const Key& key : keys_) {
    const Trade& trade = batch_.rows[key.place].trade;
    if (change == nullptr || wallet != key.wallet) change = &changes[key.wallet];
    wallet = key.wallet;
    ++change->added;
    change->usdc += trade.usdc;
    copy.BeginRow(kColumns);
    copy.Field(trade.size);
    copy.Field(trade.usdc);
    copy.OptionalField(trade.fee);
    copy.Field(trade.ts);
    copy.Field(static_cast<std::int64_t>(key.tx_head));
    copy.Field(trade.event_key);
    copy.Field(key.wallet);
    copy.Field(token_keys_[key.place]);
    copy.OptionalField(trade.log_index);
    copy.CharField(Digit(trade.side));
    copy.CharField(Digit(trade.role));
    copy.CharField(Digit(trade.version));
    copy.CharField(Digit(trade.source));
    copy.BytesField(RestOf(trade.tx));
    if (const Status sent = copy.EndRow(); !sent) break;  // Finish() tells why.
  }
  const Result<std::int64_t> copied = copy.Finish();
  if (!copied) return copied.error();
  return changes;
}

Result<std::vector<TradeRows::Key>> TradeRows::Missing(PgConnection& connection) const {
  PgArray wallet = PgArray::OfInt32(), ts = PgArray::OfInt64();
  PgArray head = PgArray::OfInt64(), event = PgArray::OfInt64();
  for (const Key& key : keys_) {
    wallet.Add(key.wallet);
    ts.Add(key.ts);
    head.Add(static_cast<std::int64_t>(key.tx_head));
    event.Add(key.event_key);
  }
  const Result<PgRows> rows =
      connection.Exec(kMissing, PgParams().Array(wallet).Array(ts).Array(head).Array(event));
  if (!rows) return rows.error();
  std::vector<Key> missing;
  missing.reserve(static_cast<std::size_t>(rows->size()));
  for (int row = 0; row < rows->size(); ++row) {
    missing.push_back(keys_[static_cast<std::size_t>(rows->Int64(row, 0) - 1)]);
  }
  return missing;
}

Result<Changes> TradeRows::InsertMissing(PgConnection& connection) const {
  const Result<std::vector<Key>> missing = Missing(connection);
  if (!missing) return missing.error();
  Changes changes;
  if (missing->empty()) return changes;
  PgArray size = PgArray::OfInt64(), usdc = PgArray::OfInt64(), fee = PgArray::OfInt64();
  PgArray ts = PgArray::OfInt64(), head = PgArray::OfInt64(), event = PgArray::OfInt64();
  PgArray wallet = PgArray::OfInt32(), token = PgArray::OfInt32(), log = PgArray::OfInt32();
  PgArray side = PgArray::OfChar(), role = PgArray::OfChar(), version = PgArray::OfChar();
  PgArray source = PgArray::OfChar(), rest = PgArray::OfBytes();
  for (const Key& key : *missing) {
    const Trade& trade = batch_.rows[key.place].trade;
    size.Add(trade.size);
    usdc.Add(trade.usdc);
    fee.Add(trade.fee);
    ts.Add(trade.ts);
    head.Add(static_cast<std::int64_t>(key.tx_head));
    event.Add(trade.event_key);
    wallet.Add(key.wallet);
    token.Add(token_keys_[key.place]);
    log.Add(trade.log_index);
    side.Add(Digit(trade.side));
    role.Add(Digit(trade.role));
    version.Add(Digit(trade.version));
    source.Add(Digit(trade.source));
    rest.Add(RestOf(trade.tx));
  }
  PgParams params;
  for (const PgArray* column : {&size, &usdc, &fee, &ts, &head, &event, &wallet, &token, &log,
                                &side, &role, &version, &source, &rest}) {
    params.Array(*column);
  }
  const Result<PgRows> rows = connection.Exec(kInsert, params);
  if (!rows) return rows.error();
  for (int row = 0; row < rows->size(); ++row) {
    changes[static_cast<std::int32_t>(rows->Int64(row, 0))] = {
        .added = rows->Int64(row, 1), .removed = 0, .usdc = rows->Int64(row, 2)};
  }
  return changes;
}

}  // namespace worker::store
