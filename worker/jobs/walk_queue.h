// Where each walk of a chunk stands: not begun, free to ask, waiting for its answer, backing off,
// or over.
//
// Shared by the jobs, which know what a walk asks and what an answer means. A core: no I/O, no
// clock.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "common/pacing.h"
#include "common/random.h"

namespace worker::jobs {

class WalkQueue {
 public:
  using Index = std::uint32_t;  // of the walk in its chunk

  enum class Stand : std::uint8_t {
    kWaiting,  // not begun
    kBegun,    // what it asks next is not known yet
    kReady,    // its next request may be made
    kAsking,
    kBackingOff,
    kSettling,  // done, if its last batch says so
    kEnded,
    kGivenBack
  };

  // All of them wait. `tries`: of one request.
  WalkQueue(std::size_t walks, const common::BackoffPolicy& backoff, int tries, std::uint64_t seed);

  Index size() const { return static_cast<Index>(walks_.size()); }
  Stand stand(Index walk) const { return walks_[walk].stand; }
  std::uint32_t waiting() const { return waiting_; }
  std::uint32_t begun() const { return begun_; }  // and not over
  std::uint32_t open() const { return open_; }    // neither over nor given back
  std::uint64_t retries() const { return retries_; }
  bool IsUnderWay(Index walk) const;                         // ready, asking or backing off
  std::optional<Index> FirstWaiting();                       // nothing where none waits
  const std::deque<Index>& ready() const { return ready_; }  // oldest first

  void Begin(Index walk);      // REQUIRES: it waits
  void MakeReady(Index walk);  // REQUIRES: it is begun, and not ready
  void Ask(Index walk);        // REQUIRES: it is ready
  // The answer was good.
  void NoteSuccess(Index walk) { walks_[walk].backoff.Reset(); }
  // The request failed. False: it was not for the first time, and is not to be made again.
  bool BackOff(Index walk, common::Instant now);
  // Whose wait is over: they are begun, and the caller makes them ready.
  std::vector<Index> Wake(common::Instant now);
  common::Instant WakeAt() const;  // Instant::max() where nobody backs off
  void CountRetry() { ++retries_; }
  // It is to make another request than the one that failed.
  void CountRestart(Index walk) {
    CountRetry();
    walks_[walk].backoff.Reset();
  }

  void Settle(Index walk);
  void End(Index walk);     // REQUIRES: it is neither over nor given back
  void Reopen(Index walk);  // REQUIRES: it is over. It waits again.
  // Those that wait, which are given back with this.
  std::vector<Index> GiveBack();

 private:
  struct Walk {
    Stand stand = Stand::kWaiting;
    common::Backoff backoff;
    common::Instant ready_at{};
  };

  void Leave(Index walk);

  const int tries_;
  common::Random random_;
  std::vector<Walk> walks_;
  std::deque<Index> ready_;
  std::vector<Index> backing_off_;
  Index first_waiting_ = 0;  // nobody waits before it
  std::uint32_t waiting_;
  std::uint32_t open_;
  std::uint32_t begun_ = 0;
  std::uint64_t retries_ = 0;
};

}  // namespace worker::jobs
