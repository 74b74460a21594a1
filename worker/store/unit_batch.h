// What units of work leave in the database, and how far they have come.
//
// Everything that belongs to one step of a walk is in one batch, and a batch is one transaction:
// rows and position move together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/trade.h"
#include "worker/sources/activity_page.h"
#include "worker/sources/positions_page.h"
#include "worker/sources/rpc_block.h"
#include "worker/sources/trade_source.h"
#include "worker/store/market_info.h"
#include "worker/store/trade_store.h"

namespace worker::store {

// Who found a wallet first; the names of wallet.discovered_by.
enum class FoundBy : std::uint8_t { kHolders, kTrades, kRange };
const char* ToString(FoundBy found_by);  // "holders", "trades", "range"

struct FoundWallet {
  common::WalletAddress address;
  FoundBy found_by = FoundBy::kHolders;
  common::UnixSeconds seen_ts = 0;  // a trade of it is known to be as young as this; 0: none is
  bool is_left_out = false;         // a range could not tell everything of it, up to seen_ts

  friend bool operator==(const FoundWallet&, const FoundWallet&) = default;
};

// How a market ended, told by itself.
struct ResolvedMarket {
  common::ConditionId condition;
  Resolution resolution;
  // Whose payouts they are, where these are in an order of their own; empty: in the market's.
  std::vector<common::TokenId> tokens;
};

// A fill that was found by time or by block, not by its wallet.
struct RangeTrade {
  common::WalletAddress wallet;
  common::UnixSeconds range_from = 0;  // the first second of the unit that tells it
  common::Trade trade;
};

// The trades of this source in these seconds are told anew: what the batch does not tell is gone.
struct ReplacedSpan {
  common::Source source = common::Source::kRpc;
  common::UnixSeconds from = 0;
  common::UnixSeconds to = 0;
};

// Blocks that a unit has told, all of one chain: those behind `behind`, up to `last`.
struct ToldSpan {
  common::Source source = common::Source::kRpc;
  sources::RpcBlock behind;
  sources::RpcBlock last;
};

// One row of a wallet's activity, and one of its positions: the upstream's own.
struct WalletActivity {
  common::WalletAddress wallet;
  sources::Activity row;
};

// Every position of the wallet is told: one that two walks in a row leave out is gone.
struct PositionsTold {
  common::WalletAddress wallet;
  std::optional<std::int64_t> portfolio_value;  // millionths
};

struct UnitRows {
  std::vector<EventInfo> events;
  std::vector<MarketInfo> markets;
  std::vector<ResolvedMarket> resolutions;
  std::vector<FoundWallet> wallets;
  std::vector<RangeTrade> trades;
  std::vector<sources::TokenHint> hints;  // of the tokens of trades, activity and positions
  std::vector<ReplacedSpan> replaced;
  std::vector<WalletActivity> activity;
  std::vector<sources::Position> positions;
  std::vector<PositionsTold> positions_told;

  // Rows that the database is to take; hints come with others.
  std::size_t size() const;
  void Append(UnitRows&& other);
};

// What one batch says of one unit. The counts are since the unit's last progress.
struct UnitProgress {
  common::WalletId unit;
  std::optional<std::string> position;  // nothing: it has not moved (a failure)
  WalletState state = WalletState::kSyncing;
  std::string error;                    // why it failed
  std::uint64_t rows = 0;               // told by the upstream
  common::UnixSeconds complete_to = 0;  // 0: as before
  common::UnixSeconds begins_at = 0;    // of a range; 0: as before
  std::int64_t reached = 0;             // of a range, second or block; 0: as before
  // Of a range of blocks that is done, if it joins its neighbours; `position` is where it stands
  // otherwise.
  std::optional<ToldSpan> span;
};

struct UnitBatch {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  std::string kind;
  UnitRows rows;
  std::vector<UnitProgress> units;  // each unit once
};

}  // namespace worker::store
