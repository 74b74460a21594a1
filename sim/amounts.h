// Amounts in millionths, without floating point.
#pragma once

#include <cstdint>
#include <string>

namespace sim {

inline constexpr std::int64_t kWhole = 1'000'000;  // one share, one dollar

// Appends the shortest decimal p with round_half_up(size * p) = usdc, so that a reader who
// multiplies gets the integer of the chain back. `fraction_always` writes 1 as "1.0".
// REQUIRES: 0 < size, 0 <= usdc.
void AppendPrice(std::string& out, std::int64_t size, std::int64_t usdc, bool fraction_always);

// size * part / whole, cut towards zero; 0 where there is no whole.
std::int64_t Portion(std::int64_t size, std::int64_t part, std::int64_t whole);

// The nearest millionths with four decimals; halves go away from zero.
std::int64_t RoundedToFour(std::int64_t millionths);

// round_half_up(size * permille / 1000).
std::int64_t UsdcAt(std::int64_t size, std::int64_t permille);

// The taker fee of the V2 exchange: shares x rate x p x (1 - p) with p = usdc / shares, cut to five
// decimals; the rate in thousandths.
std::int64_t FeeV2(std::int64_t size, std::int64_t usdc, std::int64_t rate_permille);

}  // namespace sim
