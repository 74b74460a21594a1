// The wall clock of chosen processes, which a test sets forward and back while they run. Their
// monotonic clocks go on, as on a machine whose clock somebody sets.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace e2e {

class WallClock {
 public:
  WallClock();
  ~WallClock();
  WallClock(const WallClock&) = delete;
  WallClock& operator=(const WallClock&) = delete;

  // A process started with it reads this clock.
  std::map<std::string, std::string> Environment() const;
  void SetOff(std::int64_t seconds);  // from the true time
  std::int64_t reads() const;         // while it was off

 private:
  std::string directory_;
  std::int64_t* shared_;  // as in clock_shift.c
};

}  // namespace e2e
