// What `seine doctor` finds.
#pragma once

#include <string>

namespace cli {

enum class Verdict { kOk, kWarn, kFail };

// Prints a line a check, and remembers the worst.
class Findings {
 public:
  void Say(Verdict verdict, const std::string& what, const std::string& advice = "");
  bool has_failed() const { return has_failed_; }

 private:
  bool has_failed_ = false;
};

}  // namespace cli
