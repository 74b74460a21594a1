// The pace of the chain: which block an instant belongs to, and when a block was made.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace sim {

// The block of an instant, by the mean pace of the chain. Never decreases with time. The last
// second of V1 and the first of V2 begin blocks of their own.
std::int64_t BlockAt(common::UnixSeconds instant);

// The first second that has this block: its timestamp. A recording with block numbers and no times
// gets its times so: in the order of the chain, and near the truth.
common::UnixSeconds TimeOfBlock(std::int64_t block);

// The timestamp of the block that an instant belongs to.
common::UnixSeconds OnBlock(common::UnixSeconds instant);

}  // namespace sim
