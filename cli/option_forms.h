// What the texts of options have to look like.
#pragma once

#include <CLI/CLI.hpp>

namespace cli {

const CLI::Validator& WorkerIdForm();
const CLI::Validator& RateForm();
const CLI::Validator& ScheduleForm();
const CLI::Validator& DurationForm();
const CLI::Validator& ConditionForm();

}  // namespace cli
