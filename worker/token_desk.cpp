#include "worker/token_desk.h"

#include <algorithm>
#include <utility>

namespace worker {

using common::Instant;
using common::TokenId;

bool TokenDesk::Saw(const TokenId& token, Number& newest) {
  if (settled_.contains(token)) return false;
  const auto [entry, is_new] = outstanding_.try_emplace(token, last_number_ + 1);
  newest = std::max(newest, entry->second);
  if (!is_new) return false;
  open_.insert(++last_number_);
  unchecked_.push_back(token);
  return true;
}

bool TokenDesk::Settled(Number number) const {
  return open_.empty() || *open_.begin() > number;
}

std::vector<StoreCommand> TokenDesk::TakeCommands(Instant now, bool trades_mailed) {
  if (trades_mailed) AskUnchecked();
  if (!due_at_) due_at_ = now + kDueEvery;
  if (now >= *due_at_ && resolver_.idle()) {
    due_at_ = now + kDueEvery;
    commands_.emplace_back(TakeDueTokens{kDueTokens});
  }
  return std::exchange(commands_, {});
}

void TokenDesk::AskUnchecked() {
  for (std::size_t begin = 0; begin < unchecked_.size(); begin += kCheckTokens) {
    const std::size_t end = std::min(unchecked_.size(), begin + kCheckTokens);
    const auto at = [&](std::size_t i) {
      return unchecked_.begin() + static_cast<std::ptrdiff_t>(i);
    };
    commands_.emplace_back(CheckTokens{{at(begin), at(end)}});
  }
  unchecked_.clear();
}

void TokenDesk::OnChecked(const TokensChecked& report) {
  const std::unordered_set<TokenId> unresolved(report.unresolved.begin(), report.unresolved.end());
  std::vector<TokenId> known;
  for (const TokenId& token : report.tokens) {
    if (!unresolved.contains(token)) known.push_back(token);
  }
  OnSettled(known);
  wanted_.insert(unresolved.begin(), unresolved.end());
  resolver_.Want(report.unresolved);
  SettleLeftovers();
}

void TokenDesk::OnDue(const TokensDue& report) {
  wanted_.insert(report.tokens.begin(), report.tokens.end());
  resolver_.Want(report.tokens);
  SettleLeftovers();
}

void TokenDesk::OnSettled(const std::vector<TokenId>& tokens) {
  for (const TokenId& token : tokens) {
    if (settled_.size() >= kSettledKept) settled_.clear();
    settled_.insert(token);
    const auto found = outstanding_.find(token);
    if (found == outstanding_.end()) continue;
    open_.erase(found->second);
    outstanding_.erase(found);
  }
}

void TokenDesk::Collect() {
  Resolved resolved = resolver_.Take();
  if (!resolved.markets.empty()) {
    WriteMarkets write;
    for (const auto& market : resolved.markets) {
      for (const auto* names : {&market.tokens, &market.position_ids}) {
        for (const TokenId& token : *names) {
          if (wanted_.erase(token) > 0) write.tokens.push_back(token);
        }
      }
    }
    write.markets = std::move(resolved.markets);
    commands_.emplace_back(std::move(write));
  }
  for (const TokenId& token : resolved.unknown) wanted_.erase(token);
  for (const TokenId& token : resolved.unanswered) wanted_.erase(token);
  if (!resolved.unknown.empty()) commands_.emplace_back(NoteUnknown{std::move(resolved.unknown)});
  OnSettled(resolved.unanswered);
  SettleLeftovers();
}

// The resolver leaves out what it settled not long ago: nothing more will be heard of that.
void TokenDesk::SettleLeftovers() {
  if (wanted_.empty() || !resolver_.idle()) return;
  const std::vector<TokenId> leftovers(wanted_.begin(), wanted_.end());
  wanted_.clear();
  OnSettled(leftovers);
}

}  // namespace worker
