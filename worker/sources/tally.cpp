#include "worker/sources/tally.h"

#include <algorithm>

namespace worker::sources {
namespace {

// Up to here a plain search beats a table.
constexpr std::size_t kFew = 16;

}  // namespace

void Tally::Clear() {
  entries_.clear();
  buckets_.clear();
}

Tally::Entry& Tally::Slot(std::uint64_t key) {
  if (buckets_.empty()) {
    for (Entry& entry : entries_) {
      if (entry.key == key) return entry;
    }
    entries_.push_back({key, 0});
    if (entries_.size() > kFew) Grow();
    return entries_.back();
  }
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = key & mask;
  for (; buckets_[at] != 0; at = (at + 1) & mask) {
    Entry& entry = entries_[buckets_[at] - 1];
    if (entry.key == key) return entry;
  }
  entries_.push_back({key, 0});
  buckets_[at] = static_cast<std::uint32_t>(entries_.size());
  if (entries_.size() * 2 > buckets_.size()) Grow();
  return entries_.back();
}

void Tally::Grow() {
  std::size_t size = 4 * kFew;
  while (size < 4 * entries_.size()) size *= 2;
  buckets_.assign(size, 0);
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    std::size_t at = entries_[index].key & (size - 1);
    while (buckets_[at] != 0) at = (at + 1) & (size - 1);
    buckets_[at] = static_cast<std::uint32_t>(index + 1);
  }
}

}  // namespace worker::sources
