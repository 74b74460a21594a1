// Hexadecimal digits. Rows are full of hashes, so this is inline and does not branch by digit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace common {

inline constexpr std::uint8_t kNoHexDigit = 0xff;

inline constexpr std::array<std::uint8_t, 256> kHexValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoHexDigit);
  for (std::uint8_t i = 0; i < 10; ++i) values[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return values;
}();

// 0 to 15; kNoHexDigit: it is none.
inline std::uint8_t HexValue(char digit) {
  return kHexValues[static_cast<std::uint8_t>(digit)];
}

// Reads pairs of digits into `out`, which has a byte for each; false if a character is no digit: it
// leaves its mark in the high half of `seen`.
inline bool ReadHex(std::string_view digits, std::uint8_t* out) {
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const std::uint8_t high = HexValue(digits[i]);
    const std::uint8_t low = HexValue(digits[i + 1]);
    seen = static_cast<std::uint8_t>(seen | high | low);
    out[i / 2] = static_cast<std::uint8_t>(high * 16 + (low & 15));
  }
  return (seen & 0xf0U) == 0;
}

}  // namespace common
