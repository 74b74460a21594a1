#include "coordinator/plans/markets.h"

#include <algorithm>

namespace coordinator::plans {
namespace {

constexpr char kResolutions[] = "resolutions ";

}  // namespace

// The big ones first.
std::vector<std::string> AllMarkets() {
  return {"markets closed", "events closed", "markets open", "events open"};
}

std::vector<std::string> FreshMarkets(common::UnixSeconds last_walk) {
  if (last_walk == 0) return AllMarkets();
  const common::UnixSeconds since = std::max<common::UnixSeconds>(1, last_walk - kClosedOverlap);
  return {"markets open", "events open", "markets closed since=" + std::to_string(since)};
}

std::vector<std::string> Resolutions(const std::vector<std::string>& conditions) {
  std::vector<std::string> tasks;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (i % kConditionsAtOnce == 0) {
      tasks.push_back(kResolutions + conditions[i]);
    } else {
      tasks.back() += "," + conditions[i];
    }
  }
  return tasks;
}

std::vector<std::string> ConditionsOf(const std::string& task) {
  std::vector<std::string> conditions;
  if (!task.starts_with(kResolutions)) return conditions;
  for (std::size_t from = sizeof kResolutions - 1; from < task.size();) {
    const std::size_t to = std::min(task.find(',', from), task.size());
    conditions.push_back(task.substr(from, to - from));
    from = to + 1;
  }
  return conditions;
}

}  // namespace coordinator::plans
