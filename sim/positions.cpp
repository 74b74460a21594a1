#include "sim/positions.h"

#include <algorithm>
#include <map>

#include "sim/amounts.h"
#include "sim/prices.h"

namespace sim {
namespace {

constexpr std::int64_t kLeastShown = 100'000;  // a tenth of a share

Position Made(const World& world, const HoldingOf& held) {
  const Holding& holding = held.holding;
  const Token& token = world.tokens()[held.token];
  const Market& market = world.markets()[token.market];
  const auto payouts = PayoutsOf(market);
  Position position;
  position.wallet = held.wallet;
  position.token = held.token;
  position.size = holding.size;
  position.bought = holding.bought;
  position.average_price = Portion(kWhole, holding.cost, holding.acquired);
  position.entry_cost = Portion(holding.size, holding.cost, holding.acquired);
  position.entry_fees = holding.fees;
  position.current_price = PricesOf(market).at(token.outcome);
  position.current_value = Portion(holding.size, position.current_price, kWhole);
  position.realized = holding.received - Portion(holding.gone, holding.cost, holding.acquired);
  position.unrealized = position.current_value - position.entry_cost;
  position.first_at = holding.first_at;
  position.last_at = holding.last_at;
  if (holding.size == 0) {
    position.status = PositionStatus::kClosed;
  } else if (!payouts.empty()) {
    position.status = PositionStatus::kRedeemable;
    position.lost = payouts[token.outcome] == 0;
  }
  return position;
}

}  // namespace

const char* ToString(PositionStatus status) {
  if (status == PositionStatus::kOpen) return "OPEN";
  return status == PositionStatus::kRedeemable ? "REDEEMABLE" : "CLOSED";
}

std::vector<Position> PositionsOf(const World& world, const std::vector<HoldingOf>& holdings) {
  // A pair can be merged: both outcomes of a market, in one hand.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> held;
  for (const HoldingOf& row : holdings) {
    if (row.holding.size >= kLeastShown) ++held[{row.wallet, world.tokens()[row.token].market}];
  }
  std::vector<Position> positions;
  for (const HoldingOf& row : holdings) {
    if (row.holding.size > 0 && row.holding.size < kLeastShown) continue;
    Position position = Made(world, row);
    const std::uint32_t market = world.tokens()[row.token].market;
    position.mergeable = position.size > 0 && held[{row.wallet, market}] >= 2;
    positions.push_back(position);
  }
  return positions;
}

std::int64_t ValueOf(const std::vector<Position>& positions) {
  std::int64_t value = 0;
  for (const Position& position : positions) value += position.current_value;
  return value;
}

}  // namespace sim
