// Chance for the simulator: the same seed gives the same world on every machine.
//
// Integers only. The standard distributions differ between libraries, so none is used.
#pragma once

#include <cstdint>

namespace sim {

// A good 64-bit hash of two numbers (the finaliser of SplitMix64).
constexpr std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = (a ^ (b * 0xd1342543de82ef95ULL)) + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The generator SplitMix64.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  // 0 .. bound-1; 0 for a bound of 0. The bias of the multiplication is below 2^-32 for all bounds
  // in use here.
  constexpr std::uint64_t Below(std::uint64_t bound) {
    const std::uint64_t high = Next() >> 32;
    if (bound <= 0xffffffffULL) return (high * bound) >> 32;
    return Next() % bound;
  }

  constexpr std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(high - low + 1)));
  }

  // True in `parts` of `whole` cases.
  constexpr bool Chance(std::uint64_t parts, std::uint64_t whole) { return Below(whole) < parts; }

 private:
  std::uint64_t state_;
};

}  // namespace sim
