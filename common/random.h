// The source of chance. Everything that needs chance takes one, so a run can be repeated from its
// seed.
#pragma once

#include <array>
#include <cstdint>

namespace common {

// xoshiro256** by Blackman and Vigna, seeded through splitmix64. Not for secrets. One thread.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t Next();
  // Uniform in [0, bound), without bias. REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
  bool Chance(double probability);

 private:
  std::array<std::uint64_t, 4> state_{};
};

// A seed from the operating system. Throws std::system_error where it has none to give.
std::uint64_t EntropySeed();

}  // namespace common
