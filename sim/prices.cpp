#include "sim/prices.h"

#include <algorithm>

#include "sim/amounts.h"
#include "sim/random.h"

namespace sim {
namespace {

constexpr std::uint64_t kPriceStream = 32;

}  // namespace

std::uint64_t DrawOf(const Market& market, std::uint64_t stream) {
  std::uint64_t draw = stream;
  for (const char c : market.condition_id) draw = Mix(draw, static_cast<std::uint8_t>(c));
  return draw;
}

std::vector<std::int64_t> PayoutsOf(const Market& market) {
  const std::size_t count = market.outcomes.size();
  if (market.closed_at == 0 || count == 0) return {};
  if (market.winner >= 0) {
    std::vector<std::int64_t> payouts(count, 0);
    payouts[static_cast<std::size_t>(market.winner)] = kWhole;
    return payouts;
  }
  if (!market.raw.empty()) return {};
  return std::vector<std::int64_t>(count, kWhole / static_cast<std::int64_t>(count));
}

std::vector<std::int64_t> PricesOf(const Market& market) {
  if (!market.prices.empty()) return market.prices;
  if (market.closed_at != 0) return PayoutsOf(market);
  std::vector<std::int64_t> prices(market.outcomes.size(), 0);
  const auto first = static_cast<std::int64_t>(1 + DrawOf(market, kPriceStream) % 999);
  for (std::size_t i = 0; i < std::min<std::size_t>(2, prices.size()); ++i) {
    prices[i] = (i == 0 ? first : 1000 - first) * 1000;
  }
  return prices;
}

}  // namespace sim
