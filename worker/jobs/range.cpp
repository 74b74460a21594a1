#include "worker/jobs/range.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/answer.h"
#include "worker/sources/subgraph.h"
#include "worker/sources/subgraph_range.h"

namespace worker::jobs {
namespace {

using common::Result;
using common::UnixSeconds;

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<RangeTask> ParseRangeTask(std::string_view text) {
  const std::size_t space = text.find(' ');
  const std::size_t dash = space == std::string_view::npos ? space : text.find('-', space);
  if (dash == std::string_view::npos) return std::nullopt;
  const auto source = common::ParseSource(text.substr(0, space));
  const auto from = Number(text.substr(space + 1, dash - space - 1));
  const std::string_view end = text.substr(dash + 1);
  const auto to = Number(end);
  if (!source || !from || (!to && end != "head")) return std::nullopt;
  return RangeTask{*source, *from, to};
}

void LeaveOut(const std::vector<common::WalletAddress>& wallets, UnixSeconds through,
              UnitStep& step) {
  for (const common::WalletAddress& wallet : wallets) {
    step.rows.wallets.push_back({wallet, store::FoundBy::kRange, through, true});
  }
}

// --- The subgraph ------------------------------------------------------------------------------

SubgraphRangeWalk::SubgraphRangeWalk(std::string url, const RangeTask& task, std::string position)
    : url_(std::move(url)), task_(task), position_(std::move(position)) {}

HttpRequest SubgraphRangeWalk::Next() {
  if (!last_) return sources::SubgraphNewestRequest(url_);
  return sources::SubgraphRangeRequest(url_, {task_.from, *last_}, position_);
}

Result<UnitStep> SubgraphRangeWalk::OnResponse(const HttpResponse& response) {
  if (const auto failed = sources::FailureOf(response)) return *failed;
  if (!last_) return TakeNewest(response.body);
  auto page = sources::ParseSubgraphRange({task_.from, *last_}, position_, response.body);
  if (!page) return page.error();
  UnitStep step;
  step.told = page->trades.size() + page->refused.size();
  step.rows.trades.reserve(page->trades.size());
  for (const sources::WalletTrade& row : page->trades) {
    step.rows.trades.push_back({row.wallet, task_.from, row.trade});
  }
  step.rows.hints = std::move(page->hints);
  step.refused = std::move(page->refused);
  // The last second of a page may be told in part.
  LeaveOut(page->refused_of, page->through + 1, step);
  step.begins_at = task_.from;
  position_ = std::move(page->position);
  step.position = position_;
  if (!position_.empty()) {
    step.reached = page->through;
    return step;
  }
  return Done(std::move(step));
}

// The archive is closed, so where it ends near the cutover there is nothing behind its newest
// event.
Result<UnitStep> SubgraphRangeWalk::TakeNewest(const std::string& body) {
  const Result<UnixSeconds> newest = sources::ParseSubgraphNewest(body);
  if (!newest) return newest.error();
  const UnixSeconds wanted = std::min(task_.to.value_or(common::kV1Cutover), common::kV1Cutover);
  const bool has_stopped_early = *newest < common::kV1Cutover - sources::kSubgraphSilence;
  if (has_stopped_early && wanted > *newest) {
    shortfall_ = fmt::format("the subgraph stopped at {}, before {}", *newest, wanted);
  }
  last_ = has_stopped_early ? std::min(wanted, *newest) : wanted;
  if (*last_ < task_.from) return Done({});
  UnitStep step;
  step.midway = true;
  return step;
}

UnitStep SubgraphRangeWalk::Done(UnitStep step) const {
  step.done = true;
  step.shortfall = shortfall_;
  step.begins_at = task_.from;
  step.reached = std::max(*last_, task_.from - 1);
  step.complete_to = step.reached;
  step.position.clear();
  return step;
}

bool SubgraphRangeWalk::Restart() {
  return !std::exchange(position_, {}).empty();
}

}  // namespace worker::jobs
