// Servers that tests need of the machine: one that is not installed lets its cases skip themselves,
// unless SEINE_NO_SKIP is set; one that is installed and does not start is a failure.
#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "common/error.h"

namespace tests {

inline constexpr std::chrono::seconds kStartDeadline{60};

// Ends the program, whatever its callers would make of an error.
[[noreturn]] inline void FailForLackOf(const std::string& server, const std::string& why) {
  std::cerr << server << ": " << why << std::endl;
  std::exit(EXIT_FAILURE);
}

// The reason of a skip.
inline common::Error NotInstalled(const std::string& server) {
  if (std::getenv("SEINE_NO_SKIP") != nullptr) FailForLackOf(server, "not installed");
  return {common::ErrorKind::kRejected, server + " is not installed"};
}

}  // namespace tests
