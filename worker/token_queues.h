// Tokens that are looked for, each waiting where it is to be asked for next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "common/ids.h"

namespace worker {

// Where a token is asked for, in this order. Protocol V2's tokens have a name of their own at
// Gamma.
enum class ResolveStage : std::uint8_t {
  kGammaClosed,
  kGammaOpen,
  kPositionClosed,
  kPositionOpen,
  kClobToken,
  kClobMarket
};
inline constexpr std::size_t kResolveStages = 6;
inline constexpr std::size_t kGammaStages = 4;

class TokenQueues {
 public:
  struct Entry {
    common::TokenId token;
    std::optional<common::ConditionId> condition;  // where it is known
  };

  // False: it is looked for already.
  bool Want(const common::TokenId& token);
  bool IsWanted(const common::TokenId& token) const { return wanted_.contains(token); }
  std::size_t size() const { return wanted_.size(); }

  // Tokens that wait there.
  std::size_t Waiting(ResolveStage stage) const {
    return waiting_[static_cast<std::size_t>(stage)];
  }
  ResolveStage FullestGamma() const;
  // The first one that waits there. REQUIRES: Waiting(stage) > 0.
  Entry Pop(ResolveStage stage);

  // The token is settled, wherever it waits. Returns whether it was wanted.
  bool Forget(const common::TokenId& token);
  // It is to be asked for elsewhere, if it is still wanted. REQUIRES: it does not wait.
  void Advance(const common::TokenId& token, ResolveStage stage,
               const std::optional<common::ConditionId>& condition);
  // It had no answer, and waits anew. False: that was the last of so many tries, it is forgotten.
  // REQUIRES: it is wanted, and does not wait.
  bool TryAgain(const common::TokenId& token, const std::optional<common::ConditionId>& condition,
                int most_tries);

 private:
  struct Wanted {
    ResolveStage stage = ResolveStage::kGammaClosed;
    int tries = 0;
    bool is_queued = false;  // else it is on its way, or in a part of a batch
  };

  void Queue(const common::TokenId& token, const std::optional<common::ConditionId>& condition);

  std::unordered_map<common::TokenId, Wanted> wanted_;
  std::array<std::deque<Entry>, kResolveStages> queues_;
  std::array<std::size_t, kResolveStages> waiting_{};  // entries whose token waits there
};

}  // namespace worker
