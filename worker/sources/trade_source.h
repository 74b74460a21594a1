// One upstream of trades: "the fills of this wallet after this cursor, one page".
//
// A source is stateless. What it must remember between pages (a GraphQL cursor, an opaque
// next_cursor with its filters, the tally of equal rows in the second where the last page ended) is
// in Cursor::position, so a walk goes on from a stored cursor as if it had never stopped.
//
// The horizon is what the source's own freshness check proved: every fill up to it is visible.
// A walk stores the horizon known before its newest page was asked for, and its end sets
// Cursor::complete_to to that, never to more.
//
// A position that cannot be read counts as empty: the walk begins anew, which is always safe. So a
// caller whose cursor has a position and whose request is kRejected may try once more without it:
// upstreams forget their own cursors.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/trade.h"
#include "worker/http.h"
#include "worker/sources/answer.h"

namespace worker::sources {

// What a page tells of a token beside the fill itself; saves asking elsewhere.
struct TokenHint {
  common::TokenId token;
  std::optional<common::ConditionId> condition;
  std::string outcome;
  std::optional<int> outcome_index;

  friend bool operator==(const TokenHint&, const TokenHint&) = default;
};

struct Page {
  std::vector<common::Trade> trades;
  std::vector<TokenHint> hints;  // each token of the page once
  common::Cursor next;           // to be stored in one transaction with the trades
  // The walk's first page is its last and has no rows: the upstream knows no trade of the wallet
  // beyond what was proven, from here to next.complete_to, or does not know the wallet. Both look
  // the same.
  std::optional<common::UnixSeconds> nothing_since = {};
  bool last = false;  // the walk is over: next.position is empty, next.complete_to proven
  // Events that cannot be a trade (no price, no collateral side, ...), each with its evidence. The
  // page's other rows count. The walk goes on, but complete_to stays before the oldest of them.
  std::vector<std::string> refused;
  // With `last`: why the wallet is not complete up to the horizon; empty: it is.
  std::string shortfall;
};

// The first second that is not proven yet.
inline common::UnixSeconds FirstSecond(const common::Cursor& cursor) {
  return std::max(cursor.owned_from, cursor.complete_to + 1);
}

class TradeSource {
 public:
  virtual ~TradeSource() = default;

  virtual common::Source id() const = 0;

  // What to ask to learn the horizon.
  virtual HttpRequest FreshnessRequest() const = 0;
  // kTransient: the upstream is stale or not ready; nothing may be called complete by it.
  virtual common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                             common::UnixSeconds now) const = 0;

  // Why a source that has proven no more than `horizon` tells less than it should; empty: it does
  // not. For sources whose end is known.
  virtual std::string Shortfall(common::UnixSeconds /*horizon*/) const { return {}; }

  // REQUIRES: `cursor.source` == id().
  virtual HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                  common::UnixSeconds horizon) const = 0;

  // What an answer yields. `cursor` and `horizon` are those of the request. Errors: kTransient (no
  // answer, an error body with 200, a cut or repeated page: ask again), kThrottled, kMalformed (a
  // row that cannot be read: ask again, it may have been garbled on the way), kRejected (the
  // upstream refuses this wallet). The cursor has not moved then.
  virtual common::Result<Page> ReadPage(const common::WalletAddress& wallet,
                                        const common::Cursor& cursor, common::UnixSeconds horizon,
                                        const HttpResponse& response) const {
    if (auto failure = FailureOf(response)) return *failure;
    return ParsePage(wallet, cursor, horizon, response.body);
  }
  // The same of the body of an answer that is no failure.
  virtual common::Result<Page> ParsePage(const common::WalletAddress& wallet,
                                         const common::Cursor& cursor, common::UnixSeconds horizon,
                                         std::string_view body) const = 0;
};

}  // namespace worker::sources
