#include "sim/amounts.h"

#include <array>
#include <utility>

#include "common/check.h"
#include "sim/text.h"

namespace sim {
namespace {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

constexpr int kMaxDigits = 18;

// The integer nearest to usdc * scale / size that gives usdc back, if there is one. With nobody at
// this scale, more digits are needed.
bool PriceAt(Wide size, Wide usdc, Wide scale, Wide& price) {
  const auto gives_back = [&](Wide candidate) {
    const Wide twice = 2 * size * candidate;
    return (2 * usdc) * scale <= twice + scale && twice < (2 * usdc + 1) * scale;
  };
  price = (2 * usdc * scale + size) / (2 * size);
  if (gives_back(price)) return true;
  return price > 0 && gives_back(--price);
}

}  // namespace

void AppendPrice(std::string& out, std::int64_t size, std::int64_t usdc, bool fraction_always) {
  CHECK(size > 0 && usdc >= 0);
  const Wide wide_size = static_cast<Wide>(size);
  const Wide wide_usdc = static_cast<Wide>(usdc);
  Wide scale = 1;
  Wide price = 0;
  int digits = 0;
  while (!PriceAt(wide_size, wide_usdc, scale, price) && digits < kMaxDigits) {
    scale *= 10;
    ++digits;
  }
  AppendInteger(out, static_cast<std::int64_t>(price / scale));
  if (digits == 0) {
    if (fraction_always) out += ".0";
    return;
  }
  auto rest = static_cast<std::uint64_t>(price % scale);
  std::array<char, kMaxDigits> text{};
  for (int i = digits - 1; i >= 0; --i) {
    text[static_cast<std::size_t>(i)] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  out += '.';
  out.append(text.data(), static_cast<std::size_t>(digits));
}

std::int64_t Portion(std::int64_t size, std::int64_t part, std::int64_t whole) {
  if (whole == 0) return 0;
  return static_cast<std::int64_t>(static_cast<SignedWide>(size) * part / whole);
}

std::int64_t RoundedToFour(std::int64_t millionths) {
  constexpr std::int64_t kStep = 100;
  const std::int64_t half = millionths < 0 ? -kStep / 2 : kStep / 2;
  return (millionths + half) / kStep * kStep;
}

std::int64_t UsdcAt(std::int64_t size, std::int64_t permille) {
  return static_cast<std::int64_t>((static_cast<Wide>(size) * static_cast<Wide>(permille) + 500) /
                                   1000);
}

std::int64_t FeeV2(std::int64_t size, std::int64_t usdc, std::int64_t rate_permille) {
  if (usdc >= size || size <= 0) return 0;
  const Wide product =
      static_cast<Wide>(rate_permille) * static_cast<Wide>(usdc) * static_cast<Wide>(size - usdc);
  return static_cast<std::int64_t>(product / (static_cast<Wide>(size) * 10'000)) * 10;
}

}  // namespace sim
