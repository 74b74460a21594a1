// The variables with which a program was started.
#pragma once

#include <string>

namespace common {

// Empty where it is not set: the two mean the same to us. Nobody changes our environment while
// there are threads.
std::string Variable(const std::string& name);

}  // namespace common
