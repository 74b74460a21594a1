// A position is "<begins_at>;<goes_to>;<anew_to>;<told>;<walk>", where told is ToldBlocks' text and
// the walk is EncodeRpcWalk's.
#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "worker/jobs/range.h"
#include "worker/sources/position_number.h"
#include "worker/sources/rpc.h"
#include "worker/sources/rpc_page.h"

namespace worker::jobs {
namespace {

using common::Result;
using common::UnixSeconds;
using sources::RpcBlock;
using sources::TakeNumber;

// So many times a stale node is asked before its word is taken.
constexpr int kStaleHeads = 3;
// Nodes that tell different chains in turn, and neighbours that never come to rest, are given up.
constexpr int kMostUnjoined = 10;
constexpr int kMostGoneBack = 8;

// The node's own clock, where it tells, else ours.
UnixSeconds NowOf(const HttpResponse& response) {
  return response.date.value_or(response.received_at);
}

UnitStep Midway() {
  UnitStep step;
  step.midway = true;
  return step;
}

// Takes the text up to the next semicolon, and that, from the front.
std::optional<std::string_view> Take(std::string_view& text) {
  const std::size_t end = text.find(';');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

std::vector<sources::TokenHint> HintsOf(const std::vector<store::RangeTrade>& trades) {
  std::vector<common::TokenId> tokens;
  tokens.reserve(trades.size());
  for (const store::RangeTrade& row : trades) tokens.push_back(row.trade.token);
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  std::vector<sources::TokenHint> hints(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) hints[i].token = tokens[i];
  return hints;
}

}  // namespace

RpcRangeWalk::RpcRangeWalk(std::string url, const RangeTask& task, const std::string& position)
    : url_(std::move(url)), task_(task) {
  // There is no block before the very first, and no fill in it.
  walk_.next = static_cast<std::uint64_t>(std::max<std::int64_t>(1, task.from));
  Decode(position);
}

std::string RpcRangeWalk::Encode() const {
  return fmt::format("{};{};{};{};{}", begins_at_, goes_to_, anew_to_, told_.ToString(),
                     sources::EncodeRpcWalk(walk_));
}

void RpcRangeWalk::Decode(std::string_view text) {
  const auto begins_at = TakeNumber(text);
  const auto goes_to = begins_at ? TakeNumber(text) : std::nullopt;
  const auto anew_to = goes_to ? TakeNumber(text) : std::nullopt;
  const auto told_text = anew_to ? Take(text) : std::nullopt;
  if (!told_text) return;
  auto told = ToldBlocks::Parse(*told_text);
  const auto walk = sources::DecodeRpcWalk(text);
  if (!told || told->size() < 2 || !walk || walk->next != told->newest().number + 1) return;
  begins_at_ = *begins_at;
  goes_to_ = static_cast<std::uint64_t>(*goes_to);
  anew_to_ = *anew_to;
  told_ = std::move(*told);
  walk_ = *walk;
}

HttpRequest RpcRangeWalk::Next() {
  switch (phase_) {
    case Phase::kHead:
      return sources::RpcHeadRequest(url_);
    case Phase::kVerify:
      return sources::RpcBlockRequest(url_, told_.newest().number);
    case Phase::kBegin:
      return sources::RpcBlockRequest(url_, walk_.next);
    case Phase::kLogs:
      break;
  }
  return sources::RpcWalkRequest(url_, walk_, {}, sources::RpcJoin::kBlockBefore);
}

Result<UnitStep> RpcRangeWalk::OnResponse(const HttpResponse& response) {
  if (phase_ == Phase::kLogs) return TakeLogs(response);
  const Result<RpcBlock> block = sources::ReadRpcBlock(response);
  if (!block) return block.error();
  if (phase_ == Phase::kHead) return TakeHead(*block, NowOf(response));
  if (phase_ == Phase::kVerify) return Verify(*block);
  begins_at_ = block->ts;
  phase_ = Phase::kLogs;
  return Midway();
}

// The block to go to, as soon as it is deep enough.
std::uint64_t RpcRangeWalk::end() const {
  if (!task_.to) return std::numeric_limits<std::uint64_t>::max();
  return std::max(goes_to_, static_cast<std::uint64_t>(*task_.to));
}

Result<UnitStep> RpcRangeWalk::TakeHead(const RpcBlock& head, UnixSeconds now) {
  const std::uint64_t safe =
      head.number > sources::kRpcConfirmations ? head.number - sources::kRpcConfirmations : 0;
  const bool is_stale = now - head.ts > sources::kRpcLargestLag;
  if (is_stale && end() > safe) {
    shortfall_ = fmt::format("the node is {} minutes behind: its newest block is {}",
                             (now - head.ts) / 60, head.number);
    if (++stale_heads_ < kStaleHeads) {
      return common::Error{common::ErrorKind::kTransient, shortfall_};
    }
  } else {
    shortfall_.clear();
  }
  walk_.last = std::min(safe, end());
  if (!told_.empty()) {
    // Also where nothing is left: it may have been told long ago.
    phase_ = Phase::kVerify;
    return Midway();
  }
  if (walk_.is_over()) return Done();
  phase_ = Phase::kBegin;
  return Midway();
}

Result<UnitStep> RpcRangeWalk::Verify(const RpcBlock& block) {
  const RpcBlock mark = told_.newest();
  if (block.hash != mark.hash) {
    stale_to_ = std::max(stale_to_, mark.ts);
    dropped_at_ = mark.ts;
    told_.DropNewest();
    walk_.next = mark.number + 1;
    walk_.untimed.clear();
    if (told_.empty()) {
      phase_ = Phase::kBegin;
      of_others_ = false;
    }
    return Midway();
  }
  if (of_others_) {
    // What they have told stays theirs.
    of_others_ = false;
    told_.KeepNewest();
  }
  if (walk_.next != mark.number + 1) {
    walk_.next = mark.number + 1;
    walk_.untimed.clear();
    begins_at_ = std::min(begins_at_, mark.ts + 1);
  }
  if (!walk_.is_over()) {
    phase_ = HasTold() ? Phase::kLogs : Phase::kBegin;
    return Midway();
  }
  if (stale_to_ == 0 && anew_to_ == 0) return Done();
  // There will be more soon, unless the node has stopped.
  phase_ = Phase::kHead;
  const bool has_stopped = !shortfall_.empty();
  return common::Error{has_stopped ? common::ErrorKind::kRejected : common::ErrorKind::kTransient,
                       fmt::format("what was told behind block {} was taken back, and what is in "
                                   "its place is not deep enough yet{}{}",
                                   mark.number, has_stopped ? ": " : "", shortfall_)};
}

Result<UnitStep> RpcRangeWalk::TakeLogs(const HttpResponse& response) {
  constexpr auto kJoin = sources::RpcJoin::kBlockBefore;
  auto page = sources::ReadRpcWalkPage(walk_, response, {}, kJoin);
  if (!page) return page.error();
  if (!page->through) {
    walk_ = std::move(page->next);
    return Midway();
  }
  if (!told_.empty() && page->behind->hash != told_.newest().hash) return NotJoined();
  walk_ = std::move(page->next);
  UnitStep step;
  if (stale_to_ != 0) {
    // The second of the block before may be that of the first one, too: it is not told again.
    const UnixSeconds from = (told_.empty() ? dropped_at_ : told_.newest().ts) + 1;
    step.rows.replaced.push_back({common::Source::kRpc, from, std::max(from, stale_to_)});
    anew_to_ = std::max(anew_to_, stale_to_);
    stale_to_ = 0;
  }
  if (told_.empty()) told_.Add(*page->behind);
  told_.Add(*page->through);
  const UnixSeconds anew = anew_to_ - told_.newest().ts;
  if (anew <= 0) anew_to_ = 0;
  step.told = page->trades.size() + page->refused.size();
  step.rows.trades.reserve(page->trades.size());
  for (const sources::WalletTrade& row : page->trades) {
    step.rows.trades.push_back({row.wallet, begins_at_, row.trade});
  }
  step.rows.hints = HintsOf(step.rows.trades);
  step.refused = std::move(page->refused);
  LeaveOut(page->refused_of, page->through->ts, step);
  step.begins_at = begins_at_;
  step.reached = static_cast<std::int64_t>(told_.newest().number);
  step.complete_to = told_.newest().ts;
  if (walk_.is_over()) {
    phase_ = Phase::kVerify;
    if (anew > 0) {
      // A block takes a second at least.
      goes_to_ = std::max(goes_to_, told_.newest().number + static_cast<std::uint64_t>(anew));
      phase_ = Phase::kHead;
    }
  }
  step.position = Encode();
  return step;
}

// The chain has changed since the last page, or this is another node that sees another one.
Result<UnitStep> RpcRangeWalk::NotJoined() {
  phase_ = Phase::kVerify;
  const bool is_enough = ++unjoined_ > kMostUnjoined;
  return common::Error{is_enough ? common::ErrorKind::kRejected : common::ErrorKind::kTransient,
                       fmt::format("the node tells two chains at block {}", told_.newest().number)};
}

UnitStep RpcRangeWalk::Done() const {
  UnitStep step;
  step.done = true;
  step.begins_at = begins_at_;
  step.reached = task_.from - 1;
  step.shortfall = shortfall_;
  if (HasTold()) {
    step.reached = static_cast<std::int64_t>(told_.newest().number);
    step.complete_to = told_.newest().ts;
    step.position = Encode();
    step.span = store::ToldSpan{common::Source::kRpc, told_.oldest(), told_.newest()};
  }
  return step;
}

void RpcRangeWalk::GoBack(const store::BrokenSpan& broken) {
  phase_ = Phase::kHead;
  if (++gone_back_ > kMostGoneBack) {
    phase_ = Phase::kVerify;
    shortfall_ = fmt::format("block {} was told from two chains, again and again", broken.at);
    return;
  }
  if (broken.through != 0) {
    goes_to_ = std::max(goes_to_, broken.through);
    stale_to_ = std::max(stale_to_, broken.through_ts);
  }
  if (broken.below.empty()) return;
  stale_to_ = std::max(stale_to_, told_.newest().ts);
  told_.Clear();
  of_others_ = true;
  std::for_each(broken.below.rbegin(), broken.below.rend(),
                [this](const sources::RpcBlock& border) { told_.Add(border); });
}

// A node that has stopped tells no better from the beginning.
bool RpcRangeWalk::Restart() {
  if (!HasTold() || !shortfall_.empty()) return false;
  const std::uint64_t last = walk_.last;
  walk_ = {};
  walk_.next = told_.oldest().number + 1;
  walk_.last = last;
  stale_to_ = std::max(stale_to_, told_.newest().ts);
  dropped_at_ = told_.oldest().ts;
  told_.Clear();
  phase_ = Phase::kBegin;
  return true;
}

}  // namespace worker::jobs
