// One match of the exchange: a taker order, its maker orders, and the OrderFilled events of both.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/random.h"
#include "sim/world.h"

namespace sim {

// kDirect: fillOrder, called by an operator; one event and no taker order.
enum class MatchKind : std::uint8_t { kComplementary, kMint, kMerge, kDirect };

struct MatchPlan {
  std::uint32_t ts = 0;
  std::uint32_t tx = 0;
  std::int32_t maker = -1;  // this wallet made every maker order; -1: as chance has it
  std::int32_t taker = -1;
  std::uint8_t makers = 1;
  MatchKind kind = MatchKind::kComplementary;
  bool equal_rows = false;  // the maker orders are of one wallet and look the same
  bool dust = false;
};

// The wallets that are no users. Their numbers follow the users'.
struct Contracts {
  std::uint32_t v1_exchange = 0;
  std::uint32_t v1_neg_risk = 0;
  std::uint32_t v2_exchange = 0;
  std::uint32_t v2_neg_risk = 0;
  std::uint32_t operator_wallet = 0;
};

// Picks wallets with Pareto activity: the weight of wallet i is 1 / (i + 1).
class WalletSampler {
 public:
  // Leaves wallet 0 out if `without_first`.
  WalletSampler(std::uint32_t wallets, bool without_first);
  std::uint32_t Pick(Random& random) const;

 private:
  std::vector<std::uint64_t> sums_;
};

// Picks a market that was open at an instant.
class MarketSampler {
 public:
  explicit MarketSampler(const std::vector<Market>& markets);
  std::uint32_t Pick(Random& random, std::uint32_t ts) const;

 private:
  const std::vector<Market>& markets_;
  std::vector<std::uint32_t> always_open_;
};

struct MatchSetting {
  std::uint64_t seed = 0;
  const std::vector<Market>& markets;
  const WalletSampler& wallets;
  const MarketSampler& market_sampler;
  Contracts contracts;
};

// Appends the events of one match in log order: makers first, the taker last. A function of the
// setting and the plan alone.
void AppendMatch(const MatchSetting& setting, const MatchPlan& plan, std::vector<Fill>& fills);

}  // namespace sim
