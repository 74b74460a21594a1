// /v2/holders: who holds the tokens of a market, the biggest first.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/books.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

struct Holder {
  std::uint32_t wallet = 0;
  std::int64_t amount = 0;
};

// For each outcome of the market. A wallet that holds both outcomes counts for the one of which it
// has more, with what it has more. Contracts hold tokens, too.
std::vector<std::vector<Holder>> HoldersOf(const World& world, std::uint32_t market, Books& books);

Response AnswerHolders(const World& world, const Request& request, Books& books);

}  // namespace sim
