#include "cli/option_forms.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/options.h"

namespace cli {
namespace {

// Those that the coordinator divides.
constexpr std::array<std::string_view, 8> kEndpoints = {
    "data_trades", "data_other", "gamma_markets", "gamma_other", "clob", "subgraph", "rpc", "dome"};

}  // namespace

const CLI::Validator& WorkerIdForm() {
  static const CLI::Validator kForm(
      [](std::string& text) {
        return common::ParseWorkerId(text) ? std::string()
                                           : "'" + text + "' is not a worker's id, as worker-1";
      },
      "ID");
  return kForm;
}

const CLI::Validator& RateForm() {
  static const CLI::Validator kForm(
      [](std::string& text) {
        const std::string name = text.substr(0, text.find('='));
        if (std::find(kEndpoints.begin(), kEndpoints.end(), name) == kEndpoints.end()) {
          std::string names;
          for (const std::string_view one : kEndpoints) names.append(" ").append(one);
          return "'" + name + "' is no endpoint; endpoints:" + names;
        }
        if (text.ends_with("=0")) return std::string();  // no limit
        const auto rate = common::ParseRate(text);
        return rate ? std::string() : rate.error().message;
      },
      "ENDPOINT=N/10s");
  return kForm;
}

const CLI::Validator& ScheduleForm() {
  static const CLI::Validator kForm(
      [](std::string& text) {
        if (text == "off") return std::string();
        const auto entry = common::ParseSchedule(text);
        return entry ? std::string() : entry.error().message;
      },
      "NAME=TIME");
  return kForm;
}

const CLI::Validator& DurationForm() {
  static const CLI::Validator kForm(
      [](std::string& text) {
        const auto duration = common::ParseDuration(text);
        return duration ? std::string() : duration.error().message;
      },
      "TIME");
  return kForm;
}

const CLI::Validator& ConditionForm() {
  static const CLI::Validator kForm(
      [](std::string& text) {
        return common::ParseConditionId(text)
                   ? std::string()
                   : "'" + text + "' is not a condition, as 0x and 64 hex digits";
      },
      "CONDITION");
  return kForm;
}

}  // namespace cli
