// Exact decimal text to integers of millionths: money never passes through floating point.
//
// Text is a JSON number that is not negative: digits, an optional fraction, an optional exponent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace common {

inline constexpr std::int64_t kMillion = 1'000'000;

// "22.84" -> 22840000. More than six decimals are rounded half up. Nothing where the text is no
// such number, or the result does not fit.
std::optional<std::int64_t> ParseMillionths(std::string_view text);

// size * price in millionths, exact up to the one rounding (half up) at the end. Nothing where a
// text is no such number, or the product needs more than 128 bits.
std::optional<std::int64_t> MultiplyDecimals(std::string_view size, std::string_view price);

// 22840000 -> "22.84", 5000000 -> "5", -1 -> "-0.000001": as short as it is exact.
std::string FormatMillionths(std::int64_t millionths);

}  // namespace common
