// A trade: one fill as one wallet saw it; and how far a source has told a wallet's trades.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/ids.h"

namespace common {

enum class Side : std::uint8_t { kBuy = 0, kSell = 1 };
// kUnknown: the Data API does not tell who was the taker.
enum class Role : std::uint8_t { kUnknown = 0, kMaker = 1, kTaker = 2 };
enum class ExchangeVersion : std::uint8_t { kUnknown = 0, kV1 = 1, kV2 = 2 };
enum class Source : std::uint8_t { kSubgraph = 1, kDataApi = 2, kRpc = 3, kDome = 4 };

// "subgraph", "data-api", "rpc", "dome": as users write it.
const char* ToString(Source source);
std::optional<Source> ParseSource(std::string_view text);

// The last second of the V1 era: the newest event of the closed orderbook subgraph.
inline constexpr UnixSeconds kV1Cutover = 1777374040;

// Amounts are integers of millionths: shares in `size`, USDC or pUSD in `usdc`. The price is their
// quotient and is never stored. `event_key` tells fills of one wallet in one transaction apart; it
// depends on the fill and its source only, so a fill that is read again gets the same key:
// subgraph, dome: the first 8 bytes of the order hash, big-endian; rpc: the log index;
// data-api: a hash of (token, side, size, price, ordinal among equal rows), see worker/sources.
struct Trade {
  UnixSeconds ts = 0;
  TxHash tx;
  std::int64_t event_key = 0;
  TokenId token;
  std::int64_t size = 0;
  std::int64_t usdc = 0;
  std::optional<std::int64_t>
      fee;  // in millionths, as the event states it; unknown to the Data API
  std::optional<std::int32_t> log_index;
  Side side = Side::kBuy;
  Role role = Role::kUnknown;
  ExchangeVersion version = ExchangeVersion::kUnknown;
  Source source = Source::kSubgraph;

  friend bool operator==(const Trade&, const Trade&) = default;
};

// How far one source has told one wallet's trades.
//
// The source owns the wallet's rows from `owned_from` on, until another source's `owned_from`.
// Everything it owns up to and including `complete_to` is stored: that is proven, never assumed.
// `position` is the state of a walk that is under way, readable by the source alone; empty when
// none is.
struct Cursor {
  Source source = Source::kDataApi;
  UnixSeconds owned_from = 0;
  UnixSeconds complete_to = 0;  // 0: nothing is proven yet
  std::string position;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

}  // namespace common
