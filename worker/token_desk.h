// Sees to it that every token of every trade is asked for once: of the store, whether its market is
// known; then of the resolver; and that what comes back is stored.
//
// A chunk remembers the newest number of its tokens, and is done with them once everything up to
// that number is settled: stored, known to be unknown, or given up. What is given up stays
// due in the database and comes back by TakeDueTokens. A core; belongs to the network loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "worker/resolver.h"
#include "worker/store_mail.h"

namespace worker {

class TokenDesk {
 public:
  using Number = std::uint64_t;

  static constexpr std::size_t kSettledKept = 300'000;
  static constexpr std::size_t kCheckTokens = 2000;
  static constexpr int kDueTokens = 200;
  static constexpr common::Duration kDueEvery = std::chrono::seconds(30);

  // Borrows the resolver.
  explicit TokenDesk(Resolver& resolver) : resolver_(resolver) {}

  // Notes a token of a page; raises `newest` to its number unless it is settled. True: new here.
  bool Saw(const common::TokenId& token, Number& newest);
  // Whether every token up to this number is settled.
  bool Settled(Number number) const;

  // What to ask of the store next. New tokens are asked about once the batch with their trades was
  // mailed (`trades_mailed`): they are in the database then, and many are one question.
  std::vector<StoreCommand> TakeCommands(common::Instant now, bool trades_mailed);

  void OnChecked(const TokensChecked& report);
  void OnSettled(const std::vector<common::TokenId>& tokens);
  void OnDue(const TokensDue& report);
  // After each answer to the resolver.
  void Collect();

  // No token waits for anything.
  bool idle() const { return open_.empty() && resolver_.idle() && commands_.empty(); }

 private:
  void AskUnchecked();
  void SettleLeftovers();

  Resolver& resolver_;
  Number last_number_ = 0;
  std::unordered_map<common::TokenId, Number> outstanding_;
  std::set<Number> open_;
  std::unordered_set<common::TokenId> settled_;
  std::unordered_set<common::TokenId> wanted_;  // of the resolver, not answered yet
  std::vector<common::TokenId> unchecked_;
  std::vector<StoreCommand> commands_;
  std::optional<common::Instant> due_at_;
};

}  // namespace worker
