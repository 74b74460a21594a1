// What a correct sync must hold in the end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/trade.h"
#include "sim/world.h"

namespace sim {

// One line for each fill of a user's wallet, with tabs between: wallet address, unix seconds,
// transaction hash, token id, condition id, BUY or SELL, size and USDC in millionths; for the
// subgraph, which tells the archived V1 fills alone, also fee in millionths, maker or taker, V1.
// For the chain also these and the log index. Dome tells what the chain does, in the Data API's
// columns. Lines are sorted bytewise. With `wallets` (lower case), only theirs.
std::vector<std::string> OracleLines(const World& world, common::Source source,
                                     const std::optional<std::vector<std::string>>& wallets);
std::string OracleText(const World& world, common::Source source,
                       const std::optional<std::vector<std::string>>& wallets);

// The addresses of the users, one a line; of the contracts, too, if asked for.
std::string WalletsText(const World& world, bool with_contracts);

}  // namespace sim
