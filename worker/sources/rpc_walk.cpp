// The position: "1;<next>;<last>;<span>;<cap>;<first refused>;<untimed>,<untimed>,...".
#include "worker/sources/rpc_walk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"
#include "worker/sources/position_number.h"

namespace worker::sources {
namespace {

// An answer with fewer fills than this may be of twice as many blocks next time.
constexpr std::size_t kFewFills = 1500;

RpcLogsQuery QueryOf(const RpcWalk& walk, const std::optional<common::WalletAddress>& maker,
                     RpcJoin join) {
  RpcLogsQuery query{walk.next, std::min(walk.last, walk.next + walk.span - 1), maker};
  if (join == RpcJoin::kBlockBefore) {
    CHECK(walk.next > 0);
    query.headers.push_back(walk.next - 1);
  }
  query.headers.insert(query.headers.end(), walk.untimed.begin(), walk.untimed.end());
  // The end's header tells how far in time the page goes.
  if (query.headers.empty() || query.headers.back() != query.to) query.headers.push_back(query.to);
  return query;
}

void Narrow(const RpcTooWide& too_wide, const RpcLogsQuery& query, RpcWalk& next) {
  const std::uint64_t asked = query.to - query.from + 1;
  const std::uint64_t half = std::max<std::uint64_t>(1, asked / 2);
  const bool is_told = too_wide.most_blocks != 0;
  next.span = is_told ? too_wide.most_blocks : half;
  if (too_wide.is_cap) next.cap = is_told ? too_wide.most_blocks : asked - 1;
  next.untimed.clear();
}

// The blocks whose fills have no time, in order, each once.
std::vector<std::uint64_t> UntimedBlocks(const RpcLogs& logs) {
  std::vector<std::uint64_t> blocks;
  for (const RpcFill& fill : logs.fills) {
    const bool is_new = blocks.empty() || blocks.back() != fill.block;
    if (fill.fill.trade.ts == 0 && is_new) blocks.push_back(fill.block);
  }
  return blocks;
}

// Asks for the headers next, and for no more blocks than their number allows.
void AskForHeaders(std::vector<std::uint64_t> blocks, RpcWalk& next) {
  if (blocks.size() > kRpcMostHeaders) {
    blocks.resize(kRpcMostHeaders);
    next.span = blocks.back() - next.next + 1;
  }
  next.untimed = std::move(blocks);
}

}  // namespace

std::string EncodeRpcWalk(const RpcWalk& walk) {
  return fmt::format("1;{};{};{};{};{};{}", walk.next, walk.last, walk.span, walk.cap,
                     walk.first_refused, fmt::join(walk.untimed, ","));
}

std::optional<RpcWalk> DecodeRpcWalk(std::string_view text) {
  constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 48U;
  RpcWalk walk;
  if (TakeNumber(text) != 1) return std::nullopt;
  for (std::uint64_t* number :
       {&walk.next, &walk.last, &walk.span, &walk.cap, &walk.first_refused}) {
    const auto value = TakeNumber<std::uint64_t>(text);
    if (!value || *value > kMostBlocks) return std::nullopt;
    *number = *value;
  }
  const std::uint64_t end = walk.next + walk.span;
  std::string rest(text);
  if (!rest.empty()) rest += ',';
  for (std::string_view left = rest; !left.empty();) {
    const auto block = TakeNumber<std::uint64_t>(left, ',');
    const bool is_next = block && *block >= walk.next && *block < end &&
                         (walk.untimed.empty() || *block > walk.untimed.back());
    if (!is_next || walk.untimed.size() == kRpcMostHeaders) return std::nullopt;
    walk.untimed.push_back(*block);
  }
  const bool is_whole = walk.span >= 1 && walk.cap >= 1 && walk.span <= kRpcMostSpan;
  if (!is_whole || walk.cap > kRpcMostSpan) return std::nullopt;
  return walk;
}

HttpRequest RpcWalkRequest(const std::string& url, const RpcWalk& walk,
                           const std::optional<common::WalletAddress>& maker, RpcJoin join) {
  CHECK(!walk.is_over());
  return RpcLogsRequest(url, QueryOf(walk, maker, join));
}

common::Result<RpcWalkPage> ReadRpcWalkPage(const RpcWalk& walk, const HttpResponse& response,
                                            const std::optional<common::WalletAddress>& maker,
                                            RpcJoin join) {
  const RpcLogsQuery query = QueryOf(walk, maker, join);
  auto answer = ReadRpcLogs(query, response);
  if (!answer) return answer.error();
  RpcWalkPage page;
  page.next = walk;
  if (const auto* too_wide = std::get_if<RpcTooWide>(&*answer)) {
    Narrow(*too_wide, query, page.next);
    return page;
  }
  auto& logs = std::get<RpcLogs>(*answer);
  std::vector<std::uint64_t> untimed = UntimedBlocks(logs);
  if (!untimed.empty() && walk.untimed.empty()) {
    AskForHeaders(std::move(untimed), page.next);
    return page;
  }
  // Fills in blocks that had none a moment ago: the chain moved on, ask anew.
  page.next.untimed.clear();
  if (!untimed.empty()) return page;

  page.trades.reserve(logs.fills.size());
  for (RpcFill& fill : logs.fills) page.trades.push_back(fill.fill);
  page.refused = std::move(logs.refused);
  page.refused_of = std::move(logs.refused_of);
  if (page.next.first_refused == 0) page.next.first_refused = logs.first_refused;
  page.through = logs.headers.back();
  if (join == RpcJoin::kBlockBefore) page.behind = logs.headers.front();
  page.next.next = query.to + 1;
  if (page.trades.size() < kFewFills) page.next.span = std::min(walk.cap, walk.span * 2);
  page.next.span = std::min(page.next.span, walk.cap);
  return page;
}

}  // namespace worker::sources
