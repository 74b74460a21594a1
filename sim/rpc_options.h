// How the chain is told, and what its node refuses.
#pragma once

#include <cstdint>

namespace sim {

struct ChainOptions {
  bool live = false;  // the block of this very second is still being made
  // The head stands so many blocks behind the newest fill; -1: it goes with the clock.
  std::int64_t blocks_after_newest = -1;
  std::int64_t unsettled_blocks = 0;  // so many blocks at the head are always a fork
};

struct RpcOptions {
  ChainOptions chain;
  std::int64_t most_blocks = 10'000;
  std::int64_t most_logs = 10'000;
  bool log_times = false;  // logs tell the timestamps of their blocks, as newer nodes do
};

}  // namespace sim
