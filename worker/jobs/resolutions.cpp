#include "worker/jobs/resolutions.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "worker/sources/answer.h"
#include "worker/sources/clob_page.h"
#include "worker/sources/resolutions_page.h"

namespace worker::jobs {
namespace {

using common::ConditionId;
using common::Result;

constexpr std::string_view kWord = "resolutions ";
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kUnprocessable = 422;

}  // namespace

ResolutionsWalk::ResolutionsWalk(const Upstreams& upstreams, std::vector<ConditionId> conditions)
    : data_url_(upstreams.data_url),
      clob_url_(upstreams.clob_url),
      conditions_(std::move(conditions)) {}

std::unique_ptr<UnitWalk> ResolutionsWalk::Make(const Upstreams& upstreams, const UnitTask& unit) {
  std::string_view text = unit.task;
  if (text.substr(0, kWord.size()) != kWord) return nullptr;
  text.remove_prefix(kWord.size());
  std::vector<ConditionId> conditions;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto condition = ConditionId::Parse(text.substr(0, comma));
    if (!condition) return nullptr;
    conditions.push_back(*condition);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (conditions.empty() || conditions.size() > sources::kMostResolutions) return nullptr;
  return std::unique_ptr<UnitWalk>(new ResolutionsWalk(upstreams, std::move(conditions)));
}

HttpRequest ResolutionsWalk::Next() {
  if (!is_asked_) return sources::ResolutionsRequest(data_url_, conditions_);
  return {.endpoint = Endpoint::kClob,
          .url = clob_url_ + "/markets/" + unsaid_.back().ToString(),
          .body = {}};
}

Result<UnitStep> ResolutionsWalk::OnResponse(const HttpResponse& response) {
  if (is_asked_) return TakeMarket(response);
  if (const auto failed = sources::FailureOf(response)) return *failed;
  return TakeRows(response.body);
}

Result<UnitStep> ResolutionsWalk::TakeRows(const std::string& body) {
  auto rows = sources::ParseResolutions(conditions_, body);
  if (!rows) return rows.error();
  UnitStep step;
  step.told = rows->size();
  unsaid_ = conditions_;
  for (sources::ResolutionRow& row : *rows) {
    if (row.has_bad_payouts) {
      step.refused.push_back("the payouts of " + row.condition.ToString() + " are no payouts");
    }
    if (!row.resolution) continue;
    std::erase(unsaid_, row.condition);
    step.rows.resolutions.push_back({row.condition, std::move(*row.resolution), {}});
  }
  is_asked_ = true;
  step.done = unsaid_.empty();
  return step;
}

// A market that the CLOB does not know, takes for none, or does not call won, has no outcome yet.
Result<UnitStep> ResolutionsWalk::TakeMarket(const HttpResponse& response) {
  UnitStep step;
  const auto failed = sources::FailureOf(response);
  const bool is_odd = response.status == kBadRequest || response.status == kUnprocessable;
  const bool is_unknown = response.status == kNotFound ||
                          (is_odd && failed && failed->kind == common::ErrorKind::kRejected);
  if (!is_unknown) {
    if (failed) return *failed;
    auto market = sources::ParseClobMarket(response.body);
    if (!market) return market.error();
    if (market->resolution && market->condition == unsaid_.back()) {
      step.rows.resolutions.push_back(
          {market->condition, std::move(*market->resolution), std::move(market->tokens)});
    }
    step.told = 1;
  }
  unsaid_.pop_back();
  step.done = unsaid_.empty();
  return step;
}

}  // namespace worker::jobs
