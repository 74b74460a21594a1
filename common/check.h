// CHECK: an invariant of ours, tested in every build.
//
// Input is never CHECKed: it is validated and refused. A failed CHECK is a bug; the process prints
// the place and the condition and aborts, and whatever supervises it starts a fresh one.
#pragma once

namespace common {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace common

#define CHECK(condition)                                     \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::common::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)
