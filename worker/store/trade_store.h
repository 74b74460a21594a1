// Where fetched trades go: each batch once, however often it is offered.
//
// A batch is written in one transaction under a fence: if its lease is no longer the newest one of
// its chunk, nothing of it is stored. A store belongs to one thread, the store loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/trade.h"
#include "worker/sources/rpc_block.h"
#include "worker/sources/trade_source.h"
#include "worker/store/market_info.h"

namespace worker::store {

struct TradeRow {
  common::WalletId wallet;
  common::Trade trade;
};

enum class WalletState : std::uint8_t { kSyncing = 1, kCompleted = 2, kFailed = 3 };

// What one batch says of one wallet. The counts are since the wallet's last progress.
struct WalletProgress {
  common::WalletId wallet;
  std::optional<common::Cursor> cursor;  // the newest; nothing: it has not moved (a failure)
  WalletState state = WalletState::kSyncing;
  std::string error;                      // why it failed
  std::uint64_t processed = 0;            // rows fetched
  common::UnixSeconds last_trade_ts = 0;  // newest trade in the batch; 0: none
  std::int64_t duration_ms = 0;           // time spent on it
  // The cursor's source begins to own rows that another source may have stored before: those from
  // cursor.owned_from on are deleted in the same transaction.
  bool takes_over = false;
  // The walk came to nothing: no trade from here to cursor.complete_to.
  std::optional<common::UnixSeconds> nothing_since = {};
};

// Why a wallet fails whose walk came to nothing where trades are stored.
inline constexpr char kContradiction[] =
    "the upstream tells nothing of a time of which trades are stored";

struct Batch {
  common::RunId run;
  common::ChunkId chunk;
  common::Epoch epoch;
  std::vector<TradeRow> rows;
  std::vector<sources::TokenHint> hints;
  std::vector<WalletProgress> wallets;  // each wallet once
};

// A unit that is not done: its blocks and a neighbour's are not of one chain.
struct BrokenSpan {
  common::WalletId unit;
  std::uint64_t at = 0;  // the block that was told from two chains
  // Borders of the spans below, newest first: what was told behind the newest one that still stands
  // is to be told anew. Empty: what is below joins.
  std::vector<sources::RpcBlock> below = {};
  // The end of the span above, which is to be told anew; 0: what is above joins.
  std::uint64_t through = 0;
  common::UnixSeconds through_ts = 0;
};

struct Receipt {
  bool fenced = false;                  // the lease is lost: nothing was stored
  std::uint64_t stored = 0;             // rows that were new
  std::vector<BrokenSpan> broken = {};  // of units that said they were done
  // Wallets whose walk came to nothing where trades are stored: they have failed, and nothing else
  // of them was written, nor deleted.
  std::vector<common::WalletId> contradicted = {};

  bool Contradicts(common::WalletId wallet) const {
    return std::ranges::find(contradicted, wallet) != contradicted.end();
  }
};

struct UnitBatch;  // unit_batch.h

class TradeStore {
 public:
  virtual ~TradeStore() = default;

  // Offering a batch again is safe. kTransient: the database is away, or refused what it may take
  // later.
  virtual common::Result<Receipt> Write(const Batch& batch) = 0;

  // The same for units of work: rows of every kind, and where the units stand.
  virtual common::Result<Receipt> WriteUnits(const UnitBatch& batch) = 0;

  // Upserts events, markets and their tokens.
  virtual common::Status WriteMarkets(const std::vector<MarketInfo>& markets) = 0;

  // Which of these tokens have no market yet (each at most once).
  virtual common::Result<std::vector<common::TokenId>> Unresolved(
      const std::vector<common::TokenId>& tokens) = 0;

  // Notes that no upstream knew these tokens; they come due again later, ever less often.
  virtual common::Status NoteUnknown(const std::vector<common::TokenId>& tokens) = 0;

  // Up to `limit` unresolved tokens that are due, for whoever has time; not handed to another
  // worker for some minutes.
  virtual common::Result<std::vector<common::TokenId>> TakeDueTokens(int limit) = 0;
};

}  // namespace worker::store
