// Builds the world of a seed, and lets it grow.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/match.h"
#include "sim/options.h"
#include "sim/world.h"

namespace sim {

// The same options give the same world, byte for byte. With `recorded` it is read from files.
// Throws std::runtime_error where those cannot be read.
std::unique_ptr<World> BuildWorld(const WorldOptions& options);

// New fills of old and brand-new wallets, all of them in the block of the instant that is passed.
class LiveFeed {
 public:
  LiveFeed(World& world, double fills_per_second);

  // Appends what is due since the last call.
  void Grow(std::int64_t now_ms);

 private:
  void AppendOne(std::uint32_t ts);

  World& world_;
  const double fills_per_ms_;
  WalletSampler wallets_;
  MarketSampler markets_;
  Contracts contracts_;
  Random random_;
  std::uint32_t next_tx_;
  std::int64_t last_ms_ = 0;
  double due_ = 0;
};

// Adds exchanges, adapters and the operator behind the users. Returns their numbers.
Contracts AddContracts(std::uint64_t seed, std::vector<Wallet>& wallets);

}  // namespace sim
