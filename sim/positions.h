// Positions: what a wallet holds of a token, what it paid, and what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/books.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

// What a row says of itself. Filters overlap: OPEN has what can be redeemed, but not what is lost.
enum class PositionStatus : std::uint8_t { kOpen, kRedeemable, kClosed };
const char* ToString(PositionStatus status);

// Amounts and prices in millionths.
struct Position {
  std::uint32_t wallet = 0;
  std::uint32_t token = 0;
  std::int64_t size = 0;
  std::int64_t bought = 0;  // shares of all BUY fills
  std::int64_t average_price = 0;
  std::int64_t entry_cost = 0;
  std::int64_t entry_fees = 0;
  std::int64_t current_price = 0;
  std::int64_t current_value = 0;
  std::int64_t realized = 0;
  std::int64_t unrealized = 0;
  std::uint32_t first_at = 0;
  std::uint32_t last_at = 0;
  PositionStatus status = PositionStatus::kOpen;
  bool mergeable = false;
  bool lost = false;
};

// Holdings below 0.1 share are not told at all.
std::vector<Position> PositionsOf(const World& world, const std::vector<HoldingOf>& holdings);

// The sum of what open positions are worth.
std::int64_t ValueOf(const std::vector<Position>& positions);

Response AnswerPositions(const World& world, const Request& request, Books& books);
Response AnswerValue(const World& world, const Request& request, Books& books);

}  // namespace sim
