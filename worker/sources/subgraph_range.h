// The orderbook subgraph by time alone: every wallet's fills of a span of seconds, oldest first, by
// (timestamp, id). Each event is told once, as its maker's trade; the taker's has its own event.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/trade_source.h"
#include "worker/sources/wallet_trade.h"

namespace worker::sources {

// Both ends are asked for. The archive ends at kV1Cutover, whatever `to` says.
struct SubgraphRange {
  common::UnixSeconds from = 1;
  common::UnixSeconds to = common::kV1Cutover;
};

struct SubgraphRangePage {
  std::vector<WalletTrade> trades;
  std::vector<TokenHint> hints;      // each token of the page once
  std::vector<std::string> refused;  // events that cannot be a trade, with their evidence
  std::vector<common::WalletAddress> refused_of;  // their makers, aligned
  // All events up to here are told, but for refused ones; below range.from: nothing yet.
  common::UnixSeconds through = 0;
  std::string position;  // of the next page; empty: the walk is over
};

// An empty or unreadable `position` is the walk's beginning.
HttpRequest SubgraphRangeRequest(const std::string& url, const SubgraphRange& range,
                                 std::string_view position);

// The page that was asked for at `position`. Errors as of TradeSource::ParsePage.
common::Result<SubgraphRangePage> ParseSubgraphRange(const SubgraphRange& range,
                                                     std::string_view position,
                                                     std::string_view body);

// What tells how far the archive goes, and its answer: the newest event's second.
HttpRequest SubgraphNewestRequest(const std::string& url);
common::Result<common::UnixSeconds> ParseSubgraphNewest(std::string_view body);

}  // namespace worker::sources
