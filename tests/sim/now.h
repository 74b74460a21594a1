// When the tests ask: a little after the end of the seeded world.
#pragma once

#include "common/clock.h"

namespace sim {

inline constexpr common::UnixSeconds kNow = 1'795'200'000;

}  // namespace sim
