// A JSON number of a trade row, exact: digits * 10^exponent.
//
// Rows hold numbers of a few digits, and there are a thousand rows a page, so the common case is
// done in integer registers; all else goes to common/decimal.h, with the same result.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace worker::sources {

struct RowNumber {
  std::uint64_t digits = 0;  // no zeros at the end; the first 19 where there are more
  int exponent = 0;
  bool is_exact = true;   // all of its digits are in `digits`
  std::string_view text;  // as it was read

  // Nothing where the text is no number, or is negative.
  static std::optional<RowNumber> Parse(std::string_view text);

  // In millionths, rounded half up; nothing where it does not fit.
  std::optional<std::int64_t> Millionths() const;
};

// left * right in millionths, rounded half up; nothing where it does not fit.
std::optional<std::int64_t> ProductMillionths(const RowNumber& left, const RowNumber& right);

}  // namespace worker::sources
