#include "sim/blocks.h"

#include <limits>

#include "common/trade.h"

namespace sim {
namespace {

// Two real blocks: 35,896,869 at 1669060169 and 86,161,976 at 1777443996.
constexpr std::int64_t kFirstBlock = 35'896'869;
constexpr common::UnixSeconds kFirstTime = 1'669'060'169;
constexpr std::int64_t kExtraBlocks = 2;  // those of the cutover
constexpr std::int64_t kBlocks = 86'161'976 - kFirstBlock - kExtraBlocks;
constexpr std::int64_t kSeconds = 1'777'443'996 - kFirstTime;

}  // namespace

std::int64_t BlockAt(common::UnixSeconds instant) {
  const std::int64_t product = (instant - kFirstTime) * kBlocks;
  const std::int64_t whole = product / kSeconds;
  const std::int64_t floor = product < 0 && whole * kSeconds != product ? whole - 1 : whole;
  const int extra =
      (instant >= common::kV1Cutover ? 1 : 0) + (instant > common::kV1Cutover ? 1 : 0);
  return kFirstBlock + floor + extra;
}

common::UnixSeconds TimeOfBlock(std::int64_t block) {
  common::UnixSeconds low = 0;
  common::UnixSeconds high = std::numeric_limits<std::uint32_t>::max();
  while (low < high) {
    const common::UnixSeconds middle = (low + high) / 2;
    if (BlockAt(middle) < block) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

common::UnixSeconds OnBlock(common::UnixSeconds instant) {
  return TimeOfBlock(BlockAt(instant));
}

}  // namespace sim
