// The Data API's trades of one condition, newest first: wallets to discover, and what moved lately.
//
// Without a wallet the upstream tells three years only, and without a start. The trades have the
// keys that a walk of their wallet gives them. A condition of a burst may need many pages; who
// wants the newest rows alone ends its walk where `oldest` is old enough.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/trade_source.h"
#include "worker/sources/wallet_trade.h"

namespace worker::sources {

struct ConditionTradesPage {
  std::vector<WalletTrade> trades;             // newest first; contracts are in it as well
  std::vector<common::WalletAddress> wallets;  // each once, without the protocol's contracts
  std::vector<TokenHint> hints;                // each token of the page once
  std::vector<std::string> refused;            // rows that cannot be a trade, with their evidence
  common::UnixSeconds oldest = 0;              // the second in which the page ends; 0: no rows
  std::string position;                        // of the next page; empty: the walk is over
};

// An empty or unreadable `position` is the walk's beginning.
HttpRequest ConditionTradesRequest(const std::string& data_url,
                                   const common::ConditionId& condition, std::string_view position);

// The page that was asked for at `position`. Errors as of TradeSource::ParsePage.
common::Result<ConditionTradesPage> ParseConditionTrades(const common::ConditionId& condition,
                                                         std::string_view position,
                                                         std::string_view body);

}  // namespace worker::sources
