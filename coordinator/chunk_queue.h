// The pending chunks of the active run, and who gets which next.
//
// Classes live > retry > backfill share the fleet 6 : 2 : 1; inside a class the oldest chunk goes
// first, which is the heaviest. A chunk is granted only when its content has been read ahead, so
// that a grant is one short statement. What was taken back from a worker that restarts is kept for
// it for a moment, for its cache is warm. Pure; used by the coordinator's loop only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "coordinator/ledger.h"

namespace coordinator {

class ChunkQueue {
 public:
  enum class Class : std::uint8_t { kUrgent, kLive, kRetry, kBackfill };

  struct Entry {
    ChunkRow chunk;
    Class priority = Class::kBackfill;
    common::Instant due_at{};
    common::WorkerId kept_for;  // empty: for anybody
    common::Instant kept_until{};
    bool reading = false;  // its content was asked for
    std::optional<std::vector<WalletRow>> content;
  };

  // A chunk that is there already is replaced, and its content forgotten.
  void Push(const ChunkRow& chunk, bool live, common::Instant now);
  void KeepFor(common::ChunkId chunk, const common::WorkerId& worker, common::Instant until);
  void Erase(common::ChunkId chunk);
  void Clear();

  // Chunks to be read next, at most `most`, so that `ahead` contents of each class are there or on
  // their way. They count as being read from now on.
  std::vector<common::ChunkId> NextToRead(std::size_t ahead, common::Instant now, std::size_t most);
  // False if the content is of another epoch, or nobody waits for it.
  bool SetContent(ChunkContent content);
  // Forgets what was asked for and has not come, for it never will.
  void ForgetReading();

  // Takes out what this worker is to do next, if a content is there. `idle`: it holds nothing, so
  // that a suspect may run alone with it.
  std::optional<Entry> Pick(const common::WorkerId& worker, bool idle, common::Instant now);
  // The same, but urgent chunks only. They come first in any case.
  std::optional<Entry> PickUrgent(const common::WorkerId& worker, common::Instant now);

  bool Contains(common::ChunkId chunk) const { return entries_.contains(chunk); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  bool AnyReading() const { return reading_ > 0; }
  // Anything that could be given out now or as soon as it is read.
  bool AnyDue(common::Instant now) const;

 private:
  static constexpr std::size_t kClasses = 4;

  bool Fits(const Entry& entry, const common::WorkerId& worker, bool idle,
            common::Instant now) const;
  Entry TakeOut(common::ChunkId chunk);
  std::optional<common::ChunkId> FirstOf(Class priority, const common::WorkerId& worker, bool idle,
                                         common::Instant now) const;

  std::map<common::ChunkId, Entry> entries_;
  // Chunks by class, oldest first: those with a content, and those without.
  std::array<std::map<common::ChunkId, bool>, kClasses> ready_;
  std::array<std::map<common::ChunkId, bool>, kClasses> unread_;
  std::size_t reading_ = 0;
  std::array<int, kClasses> credit_{};  // smooth weighted round robin
};

}  // namespace coordinator
