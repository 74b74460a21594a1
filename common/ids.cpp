#include "common/ids.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/hex.h"

namespace common {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string WriteHex(const std::uint8_t* bytes, std::size_t size) {
  std::string text(2 + 2 * size, '0');
  text[1] = 'x';
  for (std::size_t i = 0; i < size; ++i) {
    text[2 + 2 * i] = kHexDigits[bytes[i] >> 4U];
    text[3 + 2 * i] = kHexDigits[bytes[i] & 15U];
  }
  return text;
}

constexpr std::uint64_t kTenTo19 = 10'000'000'000'000'000'000ULL;
__extension__ using Uint128 = unsigned __int128;

// A 256-bit number, least significant limb first.
using Limbs = std::array<std::uint64_t, 4>;

// limbs = limbs * factor + addend; false on overflow.
bool MultiplyAdd(Limbs& limbs, std::uint64_t factor, std::uint64_t addend) {
  Uint128 carry = addend;
  for (std::uint64_t& limb : limbs) {
    const Uint128 product = static_cast<Uint128>(limb) * factor + carry;
    limb = static_cast<std::uint64_t>(product);
    carry = product >> 64U;
  }
  return carry == 0;
}

// limbs = limbs / divisor; returns the remainder.
std::uint64_t DivideBy(Limbs& limbs, std::uint64_t divisor) {
  Uint128 remainder = 0;
  for (std::size_t i = limbs.size(); i-- > 0;) {
    const Uint128 value = (remainder << 64U) | limbs[i];
    limbs[i] = static_cast<std::uint64_t>(value / divisor);
    remainder = value % divisor;
  }
  return static_cast<std::uint64_t>(remainder);
}

std::uint64_t PowerOfTen(std::size_t exponent) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

}  // namespace

std::optional<WorkerId> ParseWorkerId(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (text.empty() || text.size() > kLongest || text.front() == '.') return std::nullopt;
  if (text.find_first_not_of(kAllowed) != std::string_view::npos) return std::nullopt;
  return WorkerId{std::string(text)};
}

template <typename Tag, std::size_t N>
std::optional<FixedBytes<Tag, N>> FixedBytes<Tag, N>::Parse(std::string_view text) {
  if (text.size() != 2 + 2 * N || text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) {
    return std::nullopt;
  }
  FixedBytes result;
  if (!ReadHex(text.substr(2), result.bytes.data())) return std::nullopt;
  return result;
}

template <typename Tag, std::size_t N>
std::string FixedBytes<Tag, N>::ToString() const {
  return WriteHex(bytes.data(), N);
}

template struct FixedBytes<WalletAddressTag, 20>;
template struct FixedBytes<TxHashTag, 32>;
template struct FixedBytes<OrderHashTag, 32>;
template struct FixedBytes<BlockHashTag, 32>;
template struct FixedBytes<ConditionIdTag, 32>;

std::optional<ConditionId> ParseConditionId(std::string_view text) {
  constexpr std::size_t kShortSize = 2 + 62;
  if (text.size() != kShortSize) return ConditionId::Parse(text);
  std::string padded = "0x00";
  padded += text.substr(2);
  if (!text.starts_with("0x")) return std::nullopt;
  return ConditionId::Parse(padded);
}

std::optional<TokenId> TokenId::ParseDecimal(std::string_view text) {
  constexpr std::size_t kLongest = 78;
  constexpr std::size_t kPiece = 19;
  if (text.empty() || text.size() > kLongest) return std::nullopt;
  Limbs limbs{};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t size = std::min(kPiece, text.size() - begin);
    std::uint64_t piece = 0;
    for (const char c : text.substr(begin, size)) {
      if (c < '0' || c > '9') return std::nullopt;
      piece = piece * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (!MultiplyAdd(limbs, PowerOfTen(size), piece)) return std::nullopt;
    begin += size;
  }
  TokenId result;
  for (std::size_t i = 0; i < result.bytes.size(); ++i) {
    result.bytes[31 - i] = static_cast<std::uint8_t>(limbs[i / 8] >> (8 * (i % 8)));
  }
  return result;
}

std::string TokenId::ToDecimal() const {
  Limbs limbs{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    limbs[i / 8] |= static_cast<std::uint64_t>(bytes[31 - i]) << (8 * (i % 8));
  }
  std::string reversed;
  while (limbs != Limbs{}) {
    std::uint64_t piece = DivideBy(limbs, kTenTo19);
    const bool is_first_piece = limbs == Limbs{};
    for (int digit = 0; digit < 19 && (piece != 0 || !is_first_piece); ++digit, piece /= 10) {
      reversed.push_back(static_cast<char>('0' + piece % 10));
    }
  }
  if (reversed.empty()) reversed = "0";
  return {reversed.rbegin(), reversed.rend()};
}

std::size_t HashOfBytes(const std::uint8_t* bytes, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes + size - sizeof word, sizeof word);
  return word * 0x9E3779B97F4A7C15ULL;
}

}  // namespace common
