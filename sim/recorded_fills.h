// Recorded fills, before wallets, transactions and orders have numbers.
#pragma once

#include <optional>
#include <vector>

#include "common/ids.h"
#include "common/trade.h"
#include "sim/recorded_json.h"
#include "sim/recorded_markets.h"

namespace sim {

struct RecordedFill {
  common::UnixSeconds ts = 0;
  common::WalletAddress wallet;  // the event's maker
  common::WalletAddress taker;
  common::TxHash tx;
  std::optional<common::OrderHash> order;
  std::uint32_t token = 0;
  std::int64_t size = 0;
  std::int64_t usdc = 0;
  std::int64_t fee = 0;
  common::Side side = common::Side::kBuy;
  common::Role role = common::Role::kMaker;
  common::ExchangeVersion version = common::ExchangeVersion::kV1;
};

// The exchange whose events name it as taker where a wallet was the taker.
common::WalletAddress ExchangeOf(common::ExchangeVersion version);

// An OrderFilled event of either version. Throws std::runtime_error for one that makes no sense.
RecordedFill ReadChainEvent(const JsonFields& event, MarketBook& markets);

// A row of /trades or /activity, v1 or v2; nothing for a row that is no trade. Throws likewise.
std::optional<RecordedFill> ReadDataRow(const JsonFields& row, MarketBook& markets);

// An order of Dome, which says neither fee nor counterpart: told by the Data API alone. Throws
// likewise.
RecordedFill ReadDomeOrder(const JsonFields& order, MarketBook& markets);

}  // namespace sim
