#include "cli/option_forms.h"

#include <string>

#include "common/ids.h"
#include "common/options.h"

namespace cli {

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
