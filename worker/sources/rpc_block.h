// A block of the chain, as far as anything here needs to know it.
#pragma once

#include <cstdint>

#include "common/clock.h"
#include "common/ids.h"

namespace worker::sources {

struct RpcBlock {
  std::uint64_t number = 0;
  common::BlockHash hash;
  common::UnixSeconds ts = 0;

  friend bool operator==(const RpcBlock&, const RpcBlock&) = default;
};

}  // namespace worker::sources
