#include "worker/jobs/markets.h"

#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "worker/sources/answer.h"

namespace worker::jobs {
namespace {

using sources::CatalogList;
using sources::CatalogQuery;

struct Task {
  std::string_view name;
  CatalogQuery query;
};

constexpr std::array<Task, 4> kTasks{{
    {"markets open", {CatalogList::kMarkets, false, false}},
    {"markets closed", {CatalogList::kMarkets, true, false}},
    {"events open", {CatalogList::kEvents, false, false}},
    {"events closed", {CatalogList::kEvents, true, false}},
}};
constexpr std::string_view kSince = " since=";
constexpr common::UnixSeconds kNotBegun = std::numeric_limits<common::UnixSeconds>::max();

}  // namespace

CatalogWalk::CatalogWalk(std::string gamma_url, CatalogQuery query, common::UnixSeconds since,
                         std::string position)
    : gamma_url_(std::move(gamma_url)),
      query_(query),
      since_(since),
      position_(std::move(position)),
      last_closed_(position_.empty() ? kNotBegun : 0) {}

std::unique_ptr<UnitWalk> CatalogWalk::Make(std::string gamma_url, const UnitTask& unit) {
  const std::string_view text = unit.task;
  const std::size_t cut = text.find(kSince);
  common::UnixSeconds since = 0;
  if (cut != std::string_view::npos) {
    const std::string_view number = text.substr(cut + kSince.size());
    const char* const end = number.data() + number.size();
    const auto [stop, failure] = std::from_chars(number.data(), end, since);
    if (failure != std::errc() || stop != end || since <= 0) return nullptr;
  }
  for (const Task& task : kTasks) {
    if (task.name != text.substr(0, cut)) continue;
    CatalogQuery query = task.query;
    if (since != 0 && !query.closed) return nullptr;
    query.newest_closed_first = since != 0;
    return std::unique_ptr<UnitWalk>(
        new CatalogWalk(std::move(gamma_url), query, since, unit.position));
  }
  return nullptr;
}

HttpRequest CatalogWalk::Next() {
  return sources::CatalogRequest(gamma_url_, query_, position_);
}

common::Result<UnitStep> CatalogWalk::OnResponse(const HttpResponse& response) {
  if (const auto failed = sources::FailureOf(response)) return *failed;
  auto page = sources::ParseCatalogPage(query_.list, position_, response.body);
  if (!page) return page.error();
  UnitStep step;
  step.done = page->end.next_cursor.empty() ||
              (since_ != 0 && sources::ClosedBefore(query_.list, *page, last_closed_, since_));
  last_closed_ = sources::LastClosedOf(query_.list, *page);
  step.told = page->end.rows;
  step.rows.markets = std::move(page->markets);
  step.rows.events = std::move(page->events);
  step.refused = std::move(page->refused);
  position_ = step.done ? std::string() : sources::EncodePageEnd(page->end);
  step.position = position_;
  return step;
}

bool CatalogWalk::Restart() {
  last_closed_ = kNotBegun;
  return !std::exchange(position_, {}).empty();
}

}  // namespace worker::jobs
