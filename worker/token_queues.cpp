#include "worker/token_queues.h"

#include <algorithm>

#include "common/check.h"

namespace worker {

using common::ConditionId;
using common::TokenId;

bool TokenQueues::Want(const TokenId& token) {
  if (!wanted_.try_emplace(token).second) return false;
  Queue(token, {});
  return true;
}

ResolveStage TokenQueues::FullestGamma() const {
  const auto most = std::max_element(waiting_.begin(), waiting_.begin() + kGammaStages);
  return static_cast<ResolveStage>(most - waiting_.begin());
}

// REQUIRES: the token is wanted, and not queued.
void TokenQueues::Queue(const TokenId& token, const std::optional<ConditionId>& condition) {
  Wanted& wanted = wanted_.at(token);
  wanted.is_queued = true;
  const auto stage = static_cast<std::size_t>(wanted.stage);
  queues_[stage].push_back({token, condition});
  ++waiting_[stage];
}

// Entries whose token does not wait there are settled, or were settled and came back: they are
// dropped here, because to look for them would take long.
TokenQueues::Entry TokenQueues::Pop(ResolveStage stage) {
  const auto index = static_cast<std::size_t>(stage);
  while (true) {
    CHECK(!queues_[index].empty());
    const Entry entry = queues_[index].front();
    queues_[index].pop_front();
    const auto found = wanted_.find(entry.token);
    const bool waits =
        found != wanted_.end() && found->second.is_queued && found->second.stage == stage;
    if (!waits) continue;
    found->second.is_queued = false;
    --waiting_[index];
    return entry;
  }
}

bool TokenQueues::Forget(const TokenId& token) {
  const auto found = wanted_.find(token);
  if (found == wanted_.end()) return false;
  const auto stage = static_cast<std::size_t>(found->second.stage);
  // A queue without anything that waits holds nothing but settled entries.
  if (found->second.is_queued && --waiting_[stage] == 0) queues_[stage].clear();
  wanted_.erase(found);
  return true;
}

void TokenQueues::Advance(const TokenId& token, ResolveStage stage,
                          const std::optional<ConditionId>& condition) {
  const auto found = wanted_.find(token);
  if (found == wanted_.end()) return;  // settled by another answer meanwhile
  found->second.stage = stage;
  // What the CLOB said of the token it says again: its tries go on with its market.
  if (stage != ResolveStage::kClobMarket) found->second.tries = 0;
  Queue(token, condition);
}

bool TokenQueues::TryAgain(const TokenId& token, const std::optional<ConditionId>& condition,
                           int most_tries) {
  if (++wanted_.at(token).tries >= most_tries) {
    Forget(token);
    return false;
  }
  Queue(token, condition);
  return true;
}

}  // namespace worker
