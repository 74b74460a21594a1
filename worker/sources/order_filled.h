// OrderFilled: one event is exactly one trade, and it is its maker's.
//
// The taker has an event of his own, in which the exchange stands as taker; that is how a wallet's
// role is told. In a MINT or a MERGE the two sides trade different tokens, so nothing may be
// derived for anybody else than the maker.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"
#include "common/trade.h"

namespace worker::sources {

// Numbers as decimal text, as upstreams write them; asset "0" is the collateral.
struct OrderFilledV1 {
  common::UnixSeconds ts = 0;
  common::TxHash tx;
  common::OrderHash order;
  common::WalletAddress taker;
  std::string_view maker_asset;
  std::string_view taker_asset;
  std::string_view maker_amount;
  std::string_view taker_amount;
  std::string_view fee;
};

struct OrderFilledV2 {
  common::UnixSeconds ts = 0;
  common::TxHash tx;
  common::OrderHash order;
  common::WalletAddress taker;
  int side = 0;  // of the maker's order: 0 BUY, 1 SELL
  std::string_view token;
  std::string_view maker_amount;
  std::string_view taker_amount;
  std::string_view fee;  // collateral, for BUY and SELL
};

// What either version comes to. Nothing stands for a number that cannot be read, or that no balance
// can have.
struct OrderFilled {
  common::UnixSeconds ts = 0;
  common::TxHash tx;
  common::WalletAddress taker;
  common::ExchangeVersion version = common::ExchangeVersion::kUnknown;
  common::Side side = common::Side::kBuy;  // of the maker
  std::optional<common::TokenId> token;
  std::optional<std::int64_t> maker_amount;
  std::optional<std::int64_t> taker_amount;
  std::optional<std::int64_t> fee;
};

// The maker's trade, with the order hash as event_key where there is one; source and log_index are
// the caller's. kMalformed: this event cannot be a trade (neither side is collateral, no shares, an
// amount that no balance can have).
common::Result<common::Trade> TradeOf(const OrderFilledV1& event);
common::Result<common::Trade> TradeOf(const OrderFilledV2& event);
common::Result<common::Trade> TradeOf(const OrderFilled& event);

// The maker's side where exactly one of its assets is the collateral, else why this is no trade.
common::Result<common::Side> SideOf(bool gives_collateral, bool gets_collateral);

// The fee that a V2 taker pays: shares * rate * p * (1 - p) with p = usdc / shares, cut to five
// decimals; `rate_millionths` 72000 is 7.2 %. Nothing where the amounts make no price.
std::optional<std::int64_t> ExpectedFeeV2(std::int64_t usdc, std::int64_t shares,
                                          std::int64_t rate_millionths);

// The first eight bytes of an order hash, big-endian.
std::int64_t EventKeyOf(const common::OrderHash& order);

}  // namespace worker::sources
