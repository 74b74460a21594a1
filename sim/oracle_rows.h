// What a correct sync must hold beside trades: one line for each row, with tabs between, in
// bytewise order. Amounts are in millionths; what the Data API rounds is written as it tells it.
//
//   wallets    address; of users that have traded
//   markets    condition id, id, question id, slug, event id, category (its own, else of its
//              event's tags), tags (joined by |), neg-risk (0 or 1), closed (0 or 1), payouts
//              (joined by a comma), volume; of markets that Gamma knows
//   events     id, slug, title, neg-risk market id, closed, tags, number of known markets
//   tokens     token id, condition id, outcome index, outcome; of markets that Gamma knows
//   activity   address, unix seconds, transaction hash, type, condition id, side (of tips: IN or
//              OUT), size, USDC; without trades
//   positions  address, token id, condition id, status, size, bought, average price, entry cost,
//              current price, current value, realized and unrealized profit; what is told at all
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/trade.h"
#include "sim/world.h"

namespace sim {

enum class OracleSubject : std::uint8_t {
  kTrades,
  kWallets,
  kMarkets,
  kEvents,
  kTokens,
  kActivity,
  kPositions,
};

std::optional<OracleSubject> ParseOracleSubject(std::string_view text);

struct OracleQuestion {
  OracleSubject what = OracleSubject::kTrades;
  common::Source source = common::Source::kDataApi;  // of trades
  std::optional<std::vector<std::string>> wallets;   // lower case; only theirs
};

std::string OracleText(const World& world, const OracleQuestion& question);

}  // namespace sim
