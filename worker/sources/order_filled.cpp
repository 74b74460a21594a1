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

struct Amounts {
  std::string_view usdc;
  std::string_view shares;
  std::string_view fee;
};

// Fills in what both versions have in common.
std::optional<common::Error> Complete(common::Trade& trade, std::string_view token,
                                      const Amounts& amounts, const common::WalletAddress& taker) {
  const std::optional<common::TokenId> token_id = common::TokenId::ParseDecimal(token);
  const std::optional<std::int64_t> usdc = ParseAmount(amounts.usdc);
  const std::optional<std::int64_t> shares = ParseAmount(amounts.shares);
  const std::optional<std::int64_t> fee = ParseAmount(amounts.fee);
  if (!token_id) return Refused("the token id is no 256-bit number");
  if (!usdc || !shares || !fee) return Refused("an amount is no number or beyond any balance");
  if (*shares == 0) return Refused("no shares, so there is no price");
  trade.token = *token_id;
  trade.usdc = *usdc;
  trade.size = *shares;
  trade.fee = *fee;
  trade.role = common::IsExchange(taker) ? common::Role::kTaker : common::Role::kMaker;
  return std::nullopt;
}

}  // namespace

common::Result<common::Trade> TradeOf(const OrderFilledV1& event) {
  const bool gives_collateral = event.maker_asset == "0";
  const bool gets_collateral = event.taker_asset == "0";
  if (gives_collateral == gets_collateral) {
    return Refused(gives_collateral ? "both sides are collateral" : "neither side is collateral");
  }
  common::Trade trade;
  trade.ts = event.ts;
  trade.tx = event.tx;
  trade.event_key = EventKeyOf(event.order);
  trade.version = common::ExchangeVersion::kV1;
  trade.side = gives_collateral ? common::Side::kBuy : common::Side::kSell;
  const Amounts amounts = gives_collateral
                              ? Amounts{event.maker_amount, event.taker_amount, event.fee}
                              : Amounts{event.taker_amount, event.maker_amount, event.fee};
  const std::string_view token = gives_collateral ? event.taker_asset : event.maker_asset;
  if (auto error = Complete(trade, token, amounts, event.taker)) return *error;
  return trade;
}

common::Result<common::Trade> TradeOf(const OrderFilledV2& event) {
  if (event.side != 0 && event.side != 1) return Refused("the side is neither BUY nor SELL");
  const bool is_buy = event.side == 0;
  common::Trade trade;
  trade.ts = event.ts;
  trade.tx = event.tx;
  trade.event_key = EventKeyOf(event.order);
  trade.version = common::ExchangeVersion::kV2;
  trade.side = is_buy ? common::Side::kBuy : common::Side::kSell;
  const Amounts amounts = is_buy ? Amounts{event.maker_amount, event.taker_amount, event.fee}
                                 : Amounts{event.taker_amount, event.maker_amount, event.fee};
  if (auto error = Complete(trade, event.token, amounts, event.taker)) return *error;
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
