// How often each kind of row was met in one second, so that equal rows get different ordinals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace worker::sources {

// A hash of 64 bits over words, the same on every machine and for ever: event keys are made of it.
class StableHash {
 public:
  StableHash& Add(std::uint64_t word) {
    word *= 0x87c37b91114253d5ULL;
    word = (word << 31U | word >> 33U) * 0x4cf5ad432745937fULL;
    state_ ^= word;
    state_ = (state_ << 27U | state_ >> 37U) * 5 + 0x52dce729ULL;
    return *this;
  }

  std::uint64_t value() const {
    std::uint64_t h = state_;
    h = (h ^ h >> 33U) * 0xff51afd7ed558ccdULL;
    h = (h ^ h >> 33U) * 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33U;
  }

 private:
  std::uint64_t state_ = 0x53656e6553656e65ULL;
};

template <std::size_t N>
void AddBytes(StableHash& hash, const std::array<std::uint8_t, N>& bytes) {
  for (std::size_t at = 0; at < N; at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = at; i < at + 8 && i < N; ++i) word = word << 8U | bytes[i];
    hash.Add(word);
  }
}

// Counts keys that are hashes already. Clearing is free, as most seconds hold a row or two.
class Tally {
 public:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t count = 0;
  };

  // How often the key came before; counts it.
  std::uint32_t Count(std::uint64_t key) { return Slot(key).count++; }
  // For one that was counted elsewhere.
  void Set(std::uint64_t key, std::uint32_t count) { Slot(key).count = count; }
  void Clear();

  std::size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  Entry& Slot(std::uint64_t key);
  void Grow();

  std::vector<Entry> entries_;  // in order of first appearance
  std::vector<std::uint32_t>
      buckets_;  // 0 or an index into entries_ plus 1; a power of two of them
};

}  // namespace worker::sources
