#include "common/random.h"

#include <bit>
#include <cerrno>
#include <system_error>

#include <sys/random.h>

#include "common/check.h"

namespace common {
namespace {

__extension__ using Uint128 = unsigned __int128;

std::uint64_t SplitMix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = SplitMix(seed);
}

std::uint64_t Random::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

// Lemire's method: the high half of a product, refusing the few low halves that would be biased.
std::uint64_t Random::Below(std::uint64_t bound) {
  CHECK(bound > 0);
  const std::uint64_t biased = (0 - bound) % bound;
  while (true) {
    const Uint128 product = static_cast<Uint128>(Next()) * bound;
    if (static_cast<std::uint64_t>(product) >= biased) {
      return static_cast<std::uint64_t>(product >> 64U);
    }
  }
}

double Random::Unit() {
  return static_cast<double>(Next() >> 11U) * 0x1.0p-53;
}

bool Random::Chance(double probability) {
  return Unit() < probability;
}

std::uint64_t EntropySeed() {
  std::uint64_t seed = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&seed, sizeof seed, 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof seed)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return seed;
}

}  // namespace common
