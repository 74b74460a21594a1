// A position is "<phase><newest second>,<horizon>;<position of the page>", with phase 'h' or 't'.
#include "worker/jobs/holders.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "common/contracts.h"
#include "worker/sources/answer.h"
#include "worker/sources/condition_trades.h"
#include "worker/sources/holders_page.h"

namespace worker::jobs {
namespace {

using common::Result;
using common::UnixSeconds;

// Caches in front of the feed are up to five minutes old, and rows may come late.
constexpr UnixSeconds kOverlap = 900;

}  // namespace

HoldersWalk::HoldersWalk(std::string data_url, common::ConditionId condition, const UnitTask& unit)
    : data_url_(std::move(data_url)), condition_(condition), told_to_(unit.complete_to) {
  Decode(unit.position);
}

std::unique_ptr<UnitWalk> HoldersWalk::Make(std::string data_url, const UnitTask& unit) {
  const auto condition = common::ConditionId::Parse(unit.task);
  if (!condition) return nullptr;
  return std::unique_ptr<UnitWalk>(new HoldersWalk(std::move(data_url), *condition, unit));
}

std::string HoldersWalk::Encode() const {
  std::string text(1, static_cast<char>(phase_));
  text += std::to_string(newest_) + "," + std::to_string(asked_at_) + ";";
  return text + page_;
}

void HoldersWalk::Decode(std::string_view text) {
  if (text.empty() || (text[0] != 'h' && text[0] != 't')) return;
  UnixSeconds newest = 0, asked_at = 0;
  const char* const end = text.data() + text.size();
  const char* stop = text.data();
  for (UnixSeconds* second : {&newest, &asked_at}) {
    const auto [next, failure] = std::from_chars(stop + 1, end, *second);
    if (failure != std::errc() || next == end || *second < 0) return;
    stop = next;
    if (*stop != ',') break;
  }
  if (*stop != ';') return;
  phase_ = static_cast<Phase>(text[0]);
  newest_ = newest;
  asked_at_ = asked_at;
  page_ = std::string(stop + 1, end);
}

HttpRequest HoldersWalk::Next() {
  if (phase_ == Phase::kHolders) return sources::HoldersRequest(data_url_, condition_, page_);
  if (page_.empty()) asked_at_ = horizon_;
  return sources::ConditionTradesRequest(data_url_, condition_, page_);
}

Result<UnitStep> HoldersWalk::OnResponse(const HttpResponse& response) {
  if (const auto failed = sources::FailureOf(response)) return *failed;
  return phase_ == Phase::kHolders ? TakeHolders(response.body) : TakeTrades(response.body);
}

Result<UnitStep> HoldersWalk::TakeHolders(const std::string& body) {
  const auto page = sources::ParseHoldersPage(page_, body);
  if (!page) return page.error();
  UnitStep step;
  step.told = page->wallets.size();
  for (const common::WalletAddress& wallet : page->wallets) {
    step.rows.wallets.push_back({wallet, store::FoundBy::kHolders, 0});
  }
  page_ = page->end.next_cursor.empty() ? std::string() : sources::EncodePageEnd(page->end);
  if (page_.empty()) phase_ = Phase::kTrades;
  step.position = Encode();
  return step;
}

Result<UnitStep> HoldersWalk::TakeTrades(const std::string& body) {
  auto page = sources::ParseConditionTrades(condition_, page_, body);
  if (!page) return page.error();
  UnitStep step;
  step.told = page->trades.size();
  std::map<common::WalletAddress, UnixSeconds> newest;
  for (const sources::WalletTrade& row : page->trades) {
    newest_ = std::max(newest_, row.trade.ts);
    if (common::IsContract(row.wallet)) continue;
    UnixSeconds& seen = newest[row.wallet];
    seen = std::max(seen, row.trade.ts);
  }
  for (const auto& [wallet, seen] : newest) {
    step.rows.wallets.push_back({wallet, store::FoundBy::kTrades, seen});
  }
  step.refused = std::move(page->refused);
  const bool is_told = told_to_ > 0 && page->oldest > 0 && page->oldest < told_to_ - kOverlap;
  step.done = page->position.empty() || is_told;
  if (step.done) {
    // Above the horizon the feed may have gaps, and without one anywhere.
    step.complete_to = std::min(newest_, asked_at_);
    step.reached = asked_at_;
    return step;
  }
  page_ = std::move(page->position);
  step.position = Encode();
  return step;
}

bool HoldersWalk::Restart() {
  const bool has_begun = !page_.empty() || phase_ != Phase::kHolders;
  phase_ = Phase::kHolders;
  page_.clear();
  return has_begun;
}

}  // namespace worker::jobs
