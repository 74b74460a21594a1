#include "worker/sources/order_filled.h"

#include <charconv>
#include <cstring>
#include <string>

#include "common/contracts.h"

namespace worker::sources {
namespace {

__extension__ using Uint128 = unsigned __int128;

std::optional<std::int64_t> ParseAmount(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 0) return std::nullopt;
  return value;
}

common::Error Refused(const char* why) {
  return {common::ErrorKind::kMalformed, why};
}

}  // namespace

common::Result<common::Side> SideOf(bool gives_collateral, bool gets_collateral) {
  if (gives_collateral && gets_collateral) return Refused("both sides are collateral");
  if (!gives_collateral && !gets_collateral) return Refused("neither side is collateral");
  return gives_collateral ? common::Side::kBuy : common::Side::kSell;
}

common::Result<common::Trade> TradeOf(const OrderFilled& event) {
  const bool is_buy = event.side == common::Side::kBuy;
  const std::optional<std::int64_t> usdc = is_buy ? event.maker_amount : event.taker_amount;
  const std::optional<std::int64_t> shares = is_buy ? event.taker_amount : event.maker_amount;
  if (!event.token) return Refused("the token id is no 256-bit number");
  if (!usdc || !shares || !event.fee) {
    return Refused("an amount is no number or beyond any balance");
  }
  if (*shares == 0) return Refused("no shares, so there is no price");
  common::Trade trade;
  trade.ts = event.ts;
  trade.tx = event.tx;
  trade.version = event.version;
  trade.side = event.side;
  trade.token = *event.token;
  trade.usdc = *usdc;
  trade.size = *shares;
  trade.fee = *event.fee;
  trade.role = common::IsExchange(event.taker) ? common::Role::kTaker : common::Role::kMaker;
  return trade;
}

common::Result<common::Trade> TradeOf(const OrderFilledV1& event) {
  const auto side = SideOf(event.maker_asset == "0", event.taker_asset == "0");
  if (!side) return side.error();
  const bool is_buy = *side == common::Side::kBuy;
  const std::string_view token = is_buy ? event.taker_asset : event.maker_asset;
  auto trade = TradeOf(OrderFilled{.ts = event.ts,
                                   .tx = event.tx,
                                   .taker = event.taker,
                                   .version = common::ExchangeVersion::kV1,
                                   .side = *side,
                                   .token = common::TokenId::ParseDecimal(token),
                                   .maker_amount = ParseAmount(event.maker_amount),
                                   .taker_amount = ParseAmount(event.taker_amount),
                                   .fee = ParseAmount(event.fee)});
  if (trade) trade->event_key = EventKeyOf(event.order);
  return trade;
}

common::Result<common::Trade> TradeOf(const OrderFilledV2& event) {
  if (event.side != 0 && event.side != 1) return Refused("the side is neither BUY nor SELL");
  auto trade =
      TradeOf(OrderFilled{.ts = event.ts,
                          .tx = event.tx,
                          .taker = event.taker,
                          .version = common::ExchangeVersion::kV2,
                          .side = event.side == 0 ? common::Side::kBuy : common::Side::kSell,
                          .token = common::TokenId::ParseDecimal(event.token),
                          .maker_amount = ParseAmount(event.maker_amount),
                          .taker_amount = ParseAmount(event.taker_amount),
                          .fee = ParseAmount(event.fee)});
  if (trade) trade->event_key = EventKeyOf(event.order);
  return trade;
}

std::optional<std::int64_t> ExpectedFeeV2(std::int64_t usdc, std::int64_t shares,
                                          std::int64_t rate_millionths) {
  // A share pays at most one unit of collateral, so a price lies between 0 and 1.
  if (usdc < 0 || shares <= 0 || usdc > shares || rate_millionths < 0) return std::nullopt;
  // shares * rate * (usdc / shares) * (1 - usdc / shares) = rate * usdc * (shares - usdc) / shares.
  constexpr Uint128 kMillion = 1'000'000;
  constexpr std::int64_t kFifthDecimal = 10;
  const Uint128 amount = static_cast<Uint128>(usdc) * static_cast<Uint128>(shares - usdc);
  Uint128 product = 0;
  if (__builtin_mul_overflow(amount, static_cast<Uint128>(rate_millionths), &product)) {
    return std::nullopt;
  }
  const Uint128 fee = product / (static_cast<Uint128>(shares) * kMillion);
  return static_cast<std::int64_t>(fee) / kFifthDecimal * kFifthDecimal;
}

std::int64_t EventKeyOf(const common::OrderHash& order) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8U | order.bytes[i];
  std::int64_t result = 0;
  std::memcpy(&result, &key, sizeof result);
  return result;
}

}  // namespace worker::sources
