#include "worker/jobs/activity.h"

#include <utility>

#include "worker/sources/activity_page.h"
#include "worker/sources/answer.h"

namespace worker::jobs {

ActivityWalk::ActivityWalk(std::string data_url, common::WalletAddress wallet, const UnitTask& unit)
    : data_url_(std::move(data_url)),
      wallet_(wallet),
      cursor_{common::Source::kDataApi, 1, unit.complete_to, unit.position} {}

std::unique_ptr<UnitWalk> ActivityWalk::Make(std::string data_url, const UnitTask& unit) {
  const auto wallet = common::WalletAddress::Parse(unit.task);
  if (!wallet) return nullptr;
  return std::unique_ptr<UnitWalk>(new ActivityWalk(std::move(data_url), *wallet, unit));
}

HttpRequest ActivityWalk::Next() {
  asked_at_ = horizon_;
  return sources::ActivityRequest(data_url_, wallet_, cursor_);
}

common::Result<UnitStep> ActivityWalk::OnResponse(const HttpResponse& response) {
  if (const auto failed = sources::FailureOf(response)) return *failed;
  auto page = sources::ParseActivityPage(wallet_, cursor_, asked_at_, response.body);
  if (!page) return page.error();
  UnitStep step;
  step.told = page->rows.size() + page->refused.size();
  step.rows.activity.reserve(page->rows.size());
  for (const sources::Activity& row : page->rows) {
    step.rows.activity.push_back({wallet_, row});
  }
  step.rows.hints = std::move(page->hints);
  step.refused = std::move(page->refused);
  step.done = page->last;
  step.shortfall = std::move(page->shortfall);
  cursor_ = std::move(page->next);
  step.position = cursor_.position;
  step.complete_to = cursor_.complete_to;
  return step;
}

bool ActivityWalk::Restart() {
  return !std::exchange(cursor_.position, {}).empty();
}

}  // namespace worker::jobs
