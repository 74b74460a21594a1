#include "worker/store/range_sorting.h"

#include <algorithm>
#include <span>
#include <utility>

#include "worker/store/range_ownership.h"

namespace worker::store {
namespace {

using common::Cursor;
using common::Source;
using common::UnixSeconds;
using common::WalletId;

// The source's rows, each wallet's together.
std::vector<std::size_t> ByWallet(const RangeRows& range, Source source) {
  std::vector<std::size_t> places;
  places.reserve(range.rows.trades.size());
  for (std::size_t i = 0; i < range.rows.trades.size(); ++i) {
    if (range.rows.trades[i].trade.source == source) places.push_back(i);
  }
  std::ranges::stable_sort(places, {}, [&](std::size_t i) {
    return std::pair(range.wallets[i], range.rows.trades[i].range_from);
  });
  return places;
}

// Whether the source owns this much already.
bool IsWritten(const std::vector<Cursor>& cursors, Source source, UnixSeconds from) {
  return std::ranges::any_of(cursors, [&](const Cursor& cursor) {
    return cursor.source == source && cursor.owned_from == from;
  });
}

// One wallet's rows at [begin, end) of the places.
void SortWallet(const RangeRows& range, std::span<const std::size_t> places, Source source,
                const std::vector<Cursor>& cursors, Sorting& sorting) {
  const WalletId wallet = range.wallets[places.front()];
  UnixSeconds range_from = -1;
  RangeClaim claim;
  UnixSeconds first = kNeverOwned, newest = 0, skipped = 0;
  for (const std::size_t place : places) {
    const RangeTrade& row = range.rows.trades[place];
    const UnixSeconds ts = row.trade.ts;
    if (row.range_from != range_from) {
      range_from = row.range_from;
      claim = ClaimOf(source, range_from, cursors);
    }
    if (!claim.Holds(ts)) {
      if (claim.from == kNeverOwned) skipped = std::max(skipped, ts);
      continue;
    }
    if (ts >= claim.from) first = std::min(first, claim.from);
    newest = std::max(newest, ts);
    sorting.held.rows.push_back({wallet, row.trade});
    sorting.token_keys.push_back(range.token_keys[place]);
  }
  if (newest != 0) sorting.newest.emplace_hint(sorting.newest.end(), wallet.value, newest);
  if (skipped != 0) sorting.skipped.emplace_hint(sorting.skipped.end(), wallet.value, skipped);
  if (first != kNeverOwned && !IsWritten(cursors, source, first)) {
    sorting.claims.emplace_hint(sorting.claims.end(), wallet.value, first);
  }
}

}  // namespace

Sorting Sort(const RangeRows& range, Source source, const Cursors& cursors) {
  static const std::vector<Cursor> kNone;
  Sorting sorting;
  const std::vector<std::size_t> places = ByWallet(range, source);
  sorting.held.rows.reserve(places.size());
  sorting.token_keys.reserve(places.size());
  for (std::size_t begin = 0; begin < places.size();) {
    const WalletId wallet = range.wallets[places[begin]];
    std::size_t end = begin + 1;
    while (end < places.size() && range.wallets[places[end]] == wallet) ++end;
    const auto stored = cursors.find(wallet.value);
    SortWallet(range, std::span(places).subspan(begin, end - begin), source,
               stored == cursors.end() ? kNone : stored->second, sorting);
    begin = end;
  }
  return sorting;
}

}  // namespace worker::store
