#include "common/decimal.h"

#include <cstddef>
#include <limits>

namespace common {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kPlaces = 6;
// Beyond this an exponent makes any number of sane length zero or too large.
constexpr int kLargestExponent = 1000;
constexpr std::size_t kLongestText = 256;

// digits * 10^exponent; no zeros in front or at the end, so zero has no digits.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Moves the digits at the front of `text` to the end of `digits`; false if there are none.
bool TakeDigits(std::string_view& text, std::string& digits) {
  std::size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  digits.append(text.substr(0, count));
  text.remove_prefix(count);
  return count > 0;
}

// Reads "e-6" and its kin; an exponent that is out of bounds stays at the bound.
std::optional<int> TakeExponent(std::string_view& text) {
  text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::string digits;
  if (!TakeDigits(text, digits)) return std::nullopt;
  int value = 0;
  for (const char c : digits) {
    if (value < kLargestExponent) value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

std::optional<Decimal> ParseDecimal(std::string_view text) {
  if (text.size() > kLongestText) return std::nullopt;
  Decimal result;
  if (!TakeDigits(text, result.digits)) return std::nullopt;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    const std::size_t before = result.digits.size();
    if (!TakeDigits(text, result.digits)) return std::nullopt;
    result.exponent = -static_cast<int>(result.digits.size() - before);
  }
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    const std::optional<int> exponent = TakeExponent(text);
    if (!exponent) return std::nullopt;
    result.exponent += *exponent;
  }
  if (!text.empty()) return std::nullopt;
  while (!result.digits.empty() && result.digits.back() == '0') {
    result.digits.pop_back();
    ++result.exponent;
  }
  result.digits.erase(0, result.digits.find_first_not_of('0'));
  return result;
}

std::optional<Uint128> ToInteger(std::string_view digits) {
  Uint128 value = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(value, Uint128{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<Uint128>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

// value * 10^exponent, rounded half up.
std::optional<std::int64_t> Scale(Uint128 value, int exponent) {
  if (value == 0) return 0;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(value, Uint128{10}, &value)) return std::nullopt;
  }
  unsigned last_cut = 0;
  for (; exponent < 0 && (value != 0 || last_cut != 0); ++exponent) {
    last_cut = static_cast<unsigned>(value % 10);
    value /= 10;
  }
  if (last_cut >= 5) ++value;
  if (value > static_cast<Uint128>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::optional<std::int64_t> ParseMillionths(std::string_view text) {
  std::optional<Decimal> decimal = ParseDecimal(text);
  if (!decimal) return std::nullopt;
  // Digits behind the seventh decimal cannot change a rounding half up; without them any number of
  // sane size fits into 128 bits.
  while (!decimal->digits.empty() && decimal->exponent < -(kPlaces + 1)) {
    decimal->digits.pop_back();
    ++decimal->exponent;
  }
  const std::optional<Uint128> value = ToInteger(decimal->digits);
  if (!value) return std::nullopt;
  return Scale(*value, decimal->exponent + kPlaces);
}

std::optional<std::int64_t> MultiplyDecimals(std::string_view size, std::string_view price) {
  const std::optional<Decimal> left = ParseDecimal(size);
  const std::optional<Decimal> right = ParseDecimal(price);
  if (!left || !right) return std::nullopt;
  const std::optional<Uint128> left_value = ToInteger(left->digits);
  const std::optional<Uint128> right_value = ToInteger(right->digits);
  if (!left_value || !right_value) return std::nullopt;
  Uint128 product = 0;
  if (__builtin_mul_overflow(*left_value, *right_value, &product)) return std::nullopt;
  return Scale(product, left->exponent + right->exponent + kPlaces);
}

std::string FormatMillionths(std::int64_t millionths) {
  const bool negative = millionths < 0;
  const auto bits = static_cast<std::uint64_t>(millionths);
  const std::uint64_t magnitude = negative ? 0 - bits : bits;
  std::string text = negative ? "-" : "";
  text += std::to_string(magnitude / static_cast<std::uint64_t>(kMillion));
  std::string fraction = std::to_string(magnitude % static_cast<std::uint64_t>(kMillion));
  fraction.insert(0, kPlaces - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) text += "." + fraction;
  return text;
}

}  // namespace common
