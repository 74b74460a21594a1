// The position of a walk that is under way. "s;<below>;<its second>;<above>;<its second>;<last>;
// <steps>;": the first second lies in (below, above]. "w;<walk>": the walk of rpc_walk.h. Empty:
// the newest block is asked for first.
#include "worker/sources/rpc.h"

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/check.h"
#include "common/contracts.h"
#include "worker/sources/answer.h"
#include "worker/sources/position_number.h"
#include "worker/sources/rpc_walk.h"
#include "worker/sources/subgraph_events.h"

namespace worker::sources {
namespace {

constexpr std::uint64_t kFirstBlock = 33'605'403;  // of the oldest exchange
// Some second before that block: Polygon's blocks of 2022-09.
constexpr common::UnixSeconds kFirstSecond = 1'662'000'000;
// A block takes two seconds and a little more: more than enough, so that a walk that begins later
// reaches the horizon.
constexpr common::UnixSeconds kConfirmationTime =
    5 * static_cast<std::int64_t>(kRpcConfirmations) / 2;
// So near to the block sought it is cheaper to read logs in vain than to go on seeking.
constexpr std::uint64_t kNearEnough = 1000;
constexpr std::uint64_t kMostSteps = 40;

// Where the block of the first second lies.
struct Seek {
  std::uint64_t below = kFirstBlock;  // all of its fills are older than the second sought
  std::uint64_t below_ts = kFirstSecond;
  std::uint64_t above = 0;
  std::uint64_t above_ts = 0;
  std::uint64_t last = 0;  // the last block of the walk to come
  std::uint64_t steps = 0;
};

using Stage = std::variant<std::monostate, Seek, RpcWalk>;

std::string Encode(const Seek& seek) {
  return fmt::format("s;{};{};{};{};{};{};", seek.below, seek.below_ts, seek.above, seek.above_ts,
                     seek.last, seek.steps);
}

std::optional<Seek> DecodeSeek(std::string_view text) {
  Seek seek;
  for (std::uint64_t* number :
       {&seek.below, &seek.below_ts, &seek.above, &seek.above_ts, &seek.last, &seek.steps}) {
    const auto value = TakeNumber<std::uint64_t>(text);
    if (!value) return std::nullopt;
    *number = *value;
  }
  const bool is_sound = seek.below < seek.above && seek.below_ts < seek.above_ts &&
                        seek.above_ts < std::uint64_t{1} << 40U &&
                        seek.above < std::uint64_t{1} << 48U;
  return is_sound && text.empty() ? std::optional(seek) : std::nullopt;
}

Stage StageOf(const common::Cursor& cursor) {
  const std::string_view text = cursor.position;
  if (text.starts_with("s;")) {
    if (const auto seek = DecodeSeek(text.substr(2))) return *seek;
  } else if (text.starts_with("w;")) {
    const auto walk = DecodeRpcWalk(text.substr(2));
    if (walk && !walk->is_over()) return *walk;
  }
  return {};
}

// The block to look at next: where it would lie if all blocks took the same time, and every other
// time the middle, so that no chain makes it slow.
std::uint64_t ProbeOf(const Seek& seek, common::UnixSeconds first) {
  const std::uint64_t gap = seek.above - seek.below;
  const auto sought = std::clamp(static_cast<std::uint64_t>(std::max<std::int64_t>(0, first)),
                                 seek.below_ts, seek.above_ts);
  const std::uint64_t even =
      seek.below + gap * (sought - seek.below_ts) / (seek.above_ts - seek.below_ts);
  const std::uint64_t probe = seek.steps % 2 == 0 ? even : seek.below + gap / 2;
  return std::clamp(probe, seek.below + 1, seek.above - 1);
}

bool IsNear(const Seek& seek) {
  return seek.above - seek.below <= kNearEnough || seek.steps >= kMostSteps;
}

// The walk that begins at the block which was found.
RpcWalk WalkFrom(std::uint64_t first, std::uint64_t last) {
  return {.next = first, .last = last, .span = kRpcMostSpan};
}

HttpResponse Answered(std::string_view body) {
  HttpResponse response;
  response.status = 200;
  response.body = body;
  return response;
}

Page Unmoved(const common::Cursor& cursor, std::string position) {
  Page page;
  page.next = cursor;
  page.next.position = std::move(position);
  return page;
}

// The newest block is known: seek, or walk from the very first one.
common::Result<Page> AfterHead(const common::Cursor& cursor, const RpcBlock& head) {
  if (head.number <= kFirstBlock + kRpcConfirmations || head.ts <= kFirstSecond) {
    return common::Error{common::ErrorKind::kTransient, "the node's chain is too short"};
  }
  const std::uint64_t last = head.number - kRpcConfirmations;
  if (FirstSecond(cursor) <= kFirstSecond) {
    return Unmoved(cursor, "w;" + EncodeRpcWalk(WalkFrom(kFirstBlock, last)));
  }
  Seek seek;
  seek.above = head.number;
  seek.above_ts = static_cast<std::uint64_t>(head.ts);
  seek.last = last;
  return Unmoved(cursor, Encode(seek));
}

common::Result<Page> AfterProbe(const common::Cursor& cursor, Seek seek, const RpcBlock& block) {
  const auto ts = static_cast<std::uint64_t>(block.ts);
  const bool is_below = block.ts < FirstSecond(cursor);
  if (block.number <= seek.below || block.number >= seek.above || ts < seek.below_ts ||
      ts > seek.above_ts) {
    return common::Error{common::ErrorKind::kTransient, "the node's blocks are not in order"};
  }
  (is_below ? seek.below : seek.above) = block.number;
  (is_below ? seek.below_ts : seek.above_ts) = ts;
  ++seek.steps;
  const bool is_found = IsNear(seek) || seek.below_ts >= seek.above_ts;
  if (!is_found) return Unmoved(cursor, Encode(seek));
  const std::uint64_t first = std::min(seek.below + 1, seek.last);
  return Unmoved(cursor, "w;" + EncodeRpcWalk(WalkFrom(first, seek.last)));
}

// Fills of the seconds that were asked for; the walk is over once it has gone beyond the horizon.
common::Result<Page> AfterLogs(const common::Cursor& cursor, common::UnixSeconds horizon,
                               RpcWalkPage read) {
  Page page;
  page.next = cursor;
  page.refused = std::move(read.refused);
  std::vector<common::TokenId> tokens;
  for (const WalletTrade& fill : read.trades) {
    if (fill.trade.ts < FirstSecond(cursor) || fill.trade.ts > horizon) continue;
    page.trades.push_back(fill.trade);
    tokens.push_back(fill.trade.token);
  }
  page.hints = HintsOf(std::move(tokens));
  const bool is_sound = read.next.first_refused == 0;
  if (read.through && is_sound) {
    // The block behind may be of the same second.
    const common::UnixSeconds through = std::min(read.through->ts - 1, horizon);
    page.next.complete_to = std::max(cursor.complete_to, through);
  }
  // A walk that took long, or was put off, ends at the head of its beginning: there is more, unless
  // the node shows the same head again.
  const bool is_old = read.next.is_over() && read.through && is_sound &&
                      read.through->ts + kRpcLargestLag < horizon &&
                      read.through->ts - 1 > cursor.complete_to;
  page.last = (read.next.is_over() && !is_old) || (read.through && read.through->ts > horizon);
  page.next.position = page.last || is_old ? std::string() : "w;" + EncodeRpcWalk(read.next);
  if (page.last && !is_sound) {
    page.shortfall = fmt::format("a log of block {} cannot be a trade", read.next.first_refused);
  }
  return page;
}

}  // namespace

Rpc::Rpc(std::string url) : url_(std::move(url)) {}

HttpRequest Rpc::FreshnessRequest() const {
  return RpcHeadRequest(url_);
}

common::Result<common::UnixSeconds> Rpc::ParseFreshness(std::string_view body,
                                                        common::UnixSeconds now) const {
  const auto head = ReadRpcBlock(Answered(body));
  if (!head) return head.error();
  if (now - head->ts > kRpcLargestLag) {
    return common::Error{common::ErrorKind::kTransient,
                         fmt::format("the node is stale: {} s behind", now - head->ts)};
  }
  return head->ts - kConfirmationTime;
}

HttpRequest Rpc::PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                             common::UnixSeconds /*horizon*/) const {
  CHECK(cursor.source == id());
  const Stage stage = StageOf(cursor);
  if (const auto* seek = std::get_if<Seek>(&stage)) {
    return RpcBlockRequest(url_, ProbeOf(*seek, FirstSecond(cursor)));
  }
  if (const auto* walk = std::get_if<RpcWalk>(&stage)) return RpcWalkRequest(url_, *walk, wallet);
  return RpcHeadRequest(url_);
}

common::Result<Page> Rpc::ReadPage(const common::WalletAddress& wallet,
                                   const common::Cursor& cursor, common::UnixSeconds horizon,
                                   const HttpResponse& response) const {
  CHECK(cursor.source == id());
  const Stage stage = StageOf(cursor);
  if (const auto* walk = std::get_if<RpcWalk>(&stage)) {
    auto read = ReadRpcWalkPage(*walk, response, wallet);
    if (!read) return read.error();
    return AfterLogs(cursor, horizon, std::move(*read));
  }
  const auto block = ReadRpcBlock(response);
  if (!block) return block.error();
  const auto* seek = std::get_if<Seek>(&stage);
  return seek == nullptr ? AfterHead(cursor, *block) : AfterProbe(cursor, *seek, *block);
}

common::Result<Page> Rpc::ParsePage(const common::WalletAddress& wallet,
                                    const common::Cursor& cursor, common::UnixSeconds horizon,
                                    std::string_view body) const {
  return ReadPage(wallet, cursor, horizon, Answered(body));
}

}  // namespace worker::sources
