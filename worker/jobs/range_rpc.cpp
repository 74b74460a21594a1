// A position is "<begins_at>;<block>;<its second>;<its hash>;<walk>", where the block is the last
// one that is told, and the walk is EncodeRpcWalk's.
#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "worker/jobs/range.h"
#include "worker/sources/rpc.h"
#include "worker/sources/rpc_page.h"

namespace worker::jobs {
namespace {

using common::Result;
using common::UnixSeconds;
using sources::RpcBlock;

// How far the walk goes back when what it told is no longer so.
constexpr std::uint64_t kRewind = 2 * sources::kRpcConfirmations;
// So many times a stale node is asked before its word is taken.
constexpr int kStaleHeads = 3;

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

std::optional<std::int64_t> TakeNumber(std::string_view& text) {
  const auto field = Take(text);
  if (!field) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = field->data() + field->size();
  const auto [stop, failure] = std::from_chars(field->data(), end, value);
  if (failure != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
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
  walk_.next = static_cast<std::uint64_t>(task.from);
  Decode(position);
}

std::string RpcRangeWalk::Encode() const {
  return fmt::format("{};{};{};{};{}", begins_at_, through_->number, through_->ts,
                     through_->hash.ToString(), sources::EncodeRpcWalk(walk_));
}

void RpcRangeWalk::Decode(std::string_view text) {
  const auto begins_at = TakeNumber(text);
  const auto number = begins_at ? TakeNumber(text) : std::nullopt;
  const auto ts = number ? TakeNumber(text) : std::nullopt;
  const auto hash_text = ts ? Take(text) : std::nullopt;
  if (!hash_text) return;
  const auto hash = common::BlockHash::Parse(*hash_text);
  const auto walk = sources::DecodeRpcWalk(text);
  if (!hash || !walk || walk->next < static_cast<std::uint64_t>(task_.from)) return;
  begins_at_ = *begins_at;
  through_ = RpcBlock{static_cast<std::uint64_t>(*number), *hash, *ts};
  walk_ = *walk;
}

HttpRequest RpcRangeWalk::Next() {
  switch (phase_) {
    case Phase::kHead:
      return sources::RpcHeadRequest(url_);
    case Phase::kVerify:
      return sources::RpcBlockRequest(url_, through_->number);
    case Phase::kRewind:
    case Phase::kBegin:
      return sources::RpcBlockRequest(url_, walk_.next);
    case Phase::kLogs:
      break;
  }
  return sources::RpcWalkRequest(url_, walk_);
}

Result<UnitStep> RpcRangeWalk::OnResponse(const HttpResponse& response) {
  if (phase_ == Phase::kLogs) return TakeLogs(response);
  const Result<RpcBlock> block = sources::ReadRpcBlock(response);
  if (!block) return block.error();
  switch (phase_) {
    case Phase::kHead:
      return TakeHead(*block, NowOf(response));
    case Phase::kVerify:
      return Verify(*block);
    case Phase::kRewind:
      // Its own second may be an earlier block's, too, which will not be told again.
      replaces_ = store::ReplacedSpan{common::Source::kRpc, block->ts + 1,
                                      std::max(block->ts + 1, through_->ts)};
      through_.reset();
      phase_ = Phase::kLogs;
      break;
    case Phase::kBegin:
      begins_at_ = block->ts;
      phase_ = Phase::kLogs;
      break;
    case Phase::kLogs:
      break;
  }
  return Midway();
}

Result<UnitStep> RpcRangeWalk::TakeHead(const RpcBlock& head, UnixSeconds now) {
  const std::uint64_t safe =
      head.number > sources::kRpcConfirmations ? head.number - sources::kRpcConfirmations : 0;
  const bool is_stale = now - head.ts > sources::kRpcLargestLag;
  if (is_stale && (!task_.to || static_cast<std::uint64_t>(*task_.to) > safe)) {
    shortfall_ = fmt::format("the node is {} minutes behind: its newest block is {}",
                             (now - head.ts) / 60, head.number);
    if (++stale_heads_ < kStaleHeads)
      return common::Error{common::ErrorKind::kTransient, shortfall_};
  } else {
    shortfall_.clear();
  }
  walk_.last = safe;
  if (task_.to) walk_.last = std::min(safe, static_cast<std::uint64_t>(*task_.to));
  if (through_) {
    // Also where nothing is left: it may have been told long ago.
    phase_ = Phase::kVerify;
    return Midway();
  }
  if (walk_.is_over()) return Done();
  phase_ = Phase::kBegin;
  return Midway();
}

Result<UnitStep> RpcRangeWalk::Verify(const RpcBlock& block) {
  if (block.hash == through_->hash) {
    if (walk_.is_over()) return Done();
    phase_ = Phase::kLogs;
    return Midway();
  }
  const auto from = static_cast<std::uint64_t>(task_.from);
  walk_.next = through_->number > from + kRewind ? through_->number - kRewind : from;
  walk_.untimed.clear();
  phase_ = Phase::kRewind;
  return Midway();
}

Result<UnitStep> RpcRangeWalk::TakeLogs(const HttpResponse& response) {
  auto page = sources::ReadRpcWalkPage(walk_, response);
  if (!page) return page.error();
  walk_ = std::move(page->next);
  if (!page->through) return Midway();
  through_ = page->through;
  UnitStep step;
  step.told = page->trades.size() + page->refused.size();
  step.rows.trades.reserve(page->trades.size());
  for (sources::WalletTrade& row : page->trades) {
    step.rows.trades.push_back({row.wallet, begins_at_, std::move(row.trade)});
  }
  step.rows.hints = HintsOf(step.rows.trades);
  if (replaces_) step.rows.replaced.push_back(*std::exchange(replaces_, std::nullopt));
  step.refused = std::move(page->refused);
  step.begins_at = begins_at_;
  step.reached = static_cast<std::int64_t>(through_->number);
  step.complete_to = through_->ts;
  step.position = Encode();
  if (walk_.is_over()) phase_ = Phase::kVerify;
  return step;
}

UnitStep RpcRangeWalk::Done() const {
  UnitStep step;
  step.done = true;
  step.begins_at = begins_at_;
  step.reached = through_ ? static_cast<std::int64_t>(through_->number) : task_.from - 1;
  step.complete_to = through_ ? through_->ts : 0;
  step.shortfall = shortfall_;
  if (walk_.first_refused != 0) {
    step.shortfall = fmt::format("a log of block {} cannot be a trade", walk_.first_refused);
  }
  return step;
}

bool RpcRangeWalk::Restart() {
  if (!through_) return false;
  const std::uint64_t last = walk_.last;
  walk_ = {};
  walk_.next = static_cast<std::uint64_t>(task_.from);
  walk_.last = last;
  through_.reset();
  phase_ = Phase::kBegin;
  return true;
}

}  // namespace worker::jobs
