#include "worker/store/unit_batch.h"

#include <iterator>

namespace worker::store {
namespace {

template <typename Row>
void Move(std::vector<Row>& from, std::vector<Row>& to) {
  if (to.empty()) {
    to = std::move(from);
  } else {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }
}

}  // namespace

const char* ToString(FoundBy found_by) {
  switch (found_by) {
    case FoundBy::kHolders:
      return "holders";
    case FoundBy::kTrades:
      return "trades";
    case FoundBy::kRange:
      return "range";
  }
  return "unknown";
}

std::size_t UnitRows::size() const {
  return events.size() + markets.size() + resolutions.size() + wallets.size() + trades.size() +
         replaced.size() + activity.size() + positions.size() + positions_told.size();
}

void UnitRows::Append(UnitRows&& other) {
  for (const ReplacedSpan& span : other.replaced) {
    std::erase_if(trades, [&](const RangeTrade& row) {
      return row.trade.source == span.source && span.from <= row.trade.ts &&
             row.trade.ts <= span.to;
    });
  }
  Move(other.events, events);
  Move(other.markets, markets);
  Move(other.resolutions, resolutions);
  Move(other.wallets, wallets);
  Move(other.trades, trades);
  Move(other.hints, hints);
  Move(other.replaced, replaced);
  Move(other.activity, activity);
  Move(other.positions, positions);
  Move(other.positions_told, positions_told);
}

}  // namespace worker::store
