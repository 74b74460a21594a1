#include "cli/doctor_findings.h"

#include <fmt/format.h>

#include "cli/terminal.h"

namespace cli {

void Findings::Say(Verdict verdict, const std::string& what, const std::string& advice) {
  const std::string word = verdict == Verdict::kOk     ? Green("ok  ")
                           : verdict == Verdict::kWarn ? Yellow("warn")
                                                       : Red("fail");
  Print(fmt::format("{}  {}{}", word, what, advice.empty() ? "" : "; " + advice));
  has_failed_ = has_failed_ || verdict == Verdict::kFail;
}

}  // namespace cli
