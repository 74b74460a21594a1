#include "worker/sources/row_number.h"

#include <array>
#include <charconv>
#include <limits>

#include "common/decimal.h"

namespace worker::sources {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kPlaces = 6;
constexpr int kMostDigits = 19;  // always fit into 64 bits
constexpr int kLargestPower = 18;

constexpr std::array<std::uint64_t, kLargestPower + 1> MakePowers() {
  std::array<std::uint64_t, kLargestPower + 1> powers{};
  std::uint64_t power = 1;
  for (std::uint64_t& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}
constexpr std::array<std::uint64_t, kLargestPower + 1> kPowers = MakePowers();

// value * 10^exponent, rounded half up; nothing where this short way is too short.
std::optional<std::int64_t> Scale(Uint128 value, int exponent) {
  constexpr Uint128 kLargest = std::numeric_limits<std::int64_t>::max();
  if (exponent >= 0) {
    if (exponent > kLargestPower || value > kLargest) return std::nullopt;
    value *= kPowers[static_cast<std::size_t>(exponent)];
  } else {
    if (-exponent > kLargestPower) return std::nullopt;
    const std::uint64_t divisor = kPowers[static_cast<std::size_t>(-exponent)];
    value = value / divisor + (value % divisor >= divisor / 2 ? 1 : 0);
  }
  if (value > kLargest) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

// The digits at the front of a text that is being read.
class DigitReader {
 public:
  explicit DigitReader(RowNumber& number) : number_(number) {}

  // Returns how many digits were there.
  int Read(std::string_view& rest, bool is_fraction) {
    int count = 0;
    while (static_cast<std::size_t>(count) < rest.size()) {
      const char c = rest[static_cast<std::size_t>(count)];
      if (c < '0' || c > '9') break;
      Take(static_cast<std::uint64_t>(c - '0'), is_fraction);
      ++count;
    }
    rest.remove_prefix(static_cast<std::size_t>(count));
    return count;
  }

 private:
  void Take(std::uint64_t digit, bool is_fraction) {
    if (significant_ == kMostDigits) {
      number_.is_exact = number_.is_exact && digit == 0;
      if (!is_fraction) ++number_.exponent;
      return;
    }
    number_.digits = number_.digits * 10 + digit;
    if (number_.digits != 0) ++significant_;
    if (is_fraction) --number_.exponent;
  }

  RowNumber& number_;
  int significant_ = 0;
};

}  // namespace

std::optional<RowNumber> RowNumber::Parse(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  constexpr int kLargestExponent = 1000;
  if (text.size() > kLongest) return std::nullopt;
  RowNumber number;
  number.text = text;
  DigitReader reader(number);
  std::string_view rest = text;
  if (reader.Read(rest, false) == 0) return std::nullopt;
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    if (reader.Read(rest, true) == 0) return std::nullopt;
  }
  if (!rest.empty() && (rest[0] == 'e' || rest[0] == 'E')) {
    rest.remove_prefix(1);
    const bool has_plus = !rest.empty() && rest[0] == '+';
    if (has_plus) rest.remove_prefix(1);
    if (has_plus && !rest.empty() && rest[0] == '-') return std::nullopt;
    int exponent = 0;
    const char* end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, exponent);
    if (error != std::errc{} || stop != end) return std::nullopt;
    if (exponent < -kLargestExponent || exponent > kLargestExponent) return std::nullopt;
    number.exponent += exponent;
    rest = {};
  }
  if (!rest.empty()) return std::nullopt;
  while (number.digits != 0 && number.digits % 10 == 0) {
    number.digits /= 10;
    ++number.exponent;
  }
  if (number.digits == 0) number.exponent = 0;
  return number;
}

std::optional<std::int64_t> RowNumber::Millionths() const {
  if (is_exact) {
    if (const auto scaled = Scale(digits, exponent + kPlaces)) return scaled;
  }
  return common::ParseMillionths(text);
}

std::optional<std::int64_t> ProductMillionths(const RowNumber& left, const RowNumber& right) {
  if (left.is_exact && right.is_exact) {
    const Uint128 product = static_cast<Uint128>(left.digits) * right.digits;
    if (const auto scaled = Scale(product, left.exponent + right.exponent + kPlaces)) {
      return scaled;
    }
  }
  return common::MultiplyDecimals(left.text, right.text);
}

}  // namespace worker::sources
