#include "worker/jobs/walk_queue.h"

#include <algorithm>

#include "common/check.h"

namespace worker::jobs {

using common::Instant;

WalkQueue::WalkQueue(std::size_t walks, const common::BackoffPolicy& backoff, int tries,
                     std::uint64_t seed)
    : tries_(tries),
      random_(seed),
      walks_(walks, {Stand::kWaiting, common::Backoff(backoff), {}}),
      waiting_(static_cast<std::uint32_t>(walks)),
      open_(waiting_) {}

bool WalkQueue::IsUnderWay(Index walk) const {
  const Stand stand = walks_[walk].stand;
  return stand == Stand::kReady || stand == Stand::kAsking || stand == Stand::kBackingOff;
}

std::optional<WalkQueue::Index> WalkQueue::FirstWaiting() {
  if (waiting_ == 0) return std::nullopt;
  while (walks_[first_waiting_].stand != Stand::kWaiting) ++first_waiting_;
  return first_waiting_;
}

void WalkQueue::Begin(Index walk) {
  CHECK(walks_[walk].stand == Stand::kWaiting);
  walks_[walk].stand = Stand::kBegun;
  --waiting_;
  ++begun_;
}

void WalkQueue::MakeReady(Index walk) {
  CHECK(walks_[walk].stand != Stand::kReady && walks_[walk].stand != Stand::kWaiting);
  walks_[walk].stand = Stand::kReady;
  ready_.push_back(walk);
}

void WalkQueue::Ask(Index walk) {
  CHECK(walks_[walk].stand == Stand::kReady);
  Leave(walk);
  walks_[walk].stand = Stand::kAsking;
}

bool WalkQueue::BackOff(Index walk, Instant now) {
  const common::Duration wait = walks_[walk].backoff.Next(random_);
  if (walks_[walk].backoff.failures() >= tries_) return false;
  CountRetry();
  walks_[walk].stand = Stand::kBackingOff;
  walks_[walk].ready_at = now + wait;
  backing_off_.push_back(walk);
  return true;
}

std::vector<WalkQueue::Index> WalkQueue::Wake(Instant now) {
  std::vector<Index> awake;
  std::erase_if(backing_off_, [&](Index walk) {
    if (walks_[walk].ready_at > now) return false;
    walks_[walk].stand = Stand::kBegun;
    awake.push_back(walk);
    return true;
  });
  return awake;
}

Instant WalkQueue::WakeAt() const {
  Instant next = Instant::max();
  for (const Index walk : backing_off_) next = std::min(next, walks_[walk].ready_at);
  return next;
}

void WalkQueue::Settle(Index walk) {
  walks_[walk].stand = Stand::kSettling;
}

void WalkQueue::End(Index walk) {
  const Stand stand = walks_[walk].stand;
  CHECK(stand != Stand::kEnded && stand != Stand::kGivenBack);
  Leave(walk);
  --(stand == Stand::kWaiting ? waiting_ : begun_);
  walks_[walk].stand = Stand::kEnded;
  --open_;
}

void WalkQueue::Reopen(Index walk) {
  CHECK(walks_[walk].stand == Stand::kEnded);
  walks_[walk].stand = Stand::kWaiting;
  first_waiting_ = std::min(first_waiting_, walk);
  ++waiting_;
  ++open_;
}

std::vector<WalkQueue::Index> WalkQueue::GiveBack() {
  std::vector<Index> given;
  for (Index walk = 0; walk < size(); ++walk) {
    if (walks_[walk].stand != Stand::kWaiting) continue;
    walks_[walk].stand = Stand::kGivenBack;
    given.push_back(walk);
  }
  open_ -= waiting_;
  waiting_ = 0;
  return given;
}

// From where it is queued.
void WalkQueue::Leave(Index walk) {
  if (walks_[walk].stand == Stand::kReady) ready_.erase(std::ranges::find(ready_, walk));
  if (walks_[walk].stand == Stand::kBackingOff) std::erase(backing_off_, walk);
}

}  // namespace worker::jobs
