// One supervised program: when is it started, when is it told to end? A core: time is a parameter.
#pragma once

#include <optional>
#include <string>

#include "cli/process.h"
#include "common/clock.h"

namespace cli {

inline constexpr std::chrono::seconds kDrainTime(25);  // to finish in order
inline constexpr std::chrono::seconds kQuickTime(10);  // to finish quickly

// A program that dies is started again at once the first time, then after 0.2 s, 0.4 s ... 5 s as
// long as it lives less than 10 s each time. Not again after exit codes that another start cannot
// cure: 2 (usage), 77 (key not authorised), 78 (fenced by a newer process of the same id).
//
// A program that is not wanted any more gets SIGTERM (finish in order), after 25 s another one
// (quickly), 10 s later SIGKILL.
class FleetProgram {
 public:
  FleetProgram(std::string name, common::Instant now) : name_(std::move(name)), next_start_(now) {}

  void Started(const ProcessId& process, common::Instant now);
  // `code` as of Reap(); nothing for an adopted process, whose code only init knows.
  void Ended(std::optional<int> code, common::Instant now);
  void StartFailed(const std::string& why, common::Instant now);

  void Want(bool is_wanted);
  // Somebody acted: a held program may start again.
  void Release(common::Instant now);

  bool IsDue(common::Instant now) const;
  // The signal to send now, if any. REQUIRES: it is running and not wanted.
  std::optional<int> NextStopSignal(common::Instant now);

  const std::string& name() const { return name_; }
  const std::optional<ProcessId>& process() const { return process_; }
  bool is_wanted() const { return is_wanted_; }
  bool is_held() const { return is_held_; }
  int restarts() const { return restarts_; }
  int failures() const { return quick_ends_; }
  const std::string& note() const { return note_; }
  common::Instant next_start() const { return next_start_; }

 private:
  void Delay(common::Instant now);

  std::string name_;
  std::optional<ProcessId> process_;
  bool is_wanted_ = true;
  bool is_held_ = false;
  bool has_run_ = false;
  int restarts_ = 0;
  int quick_ends_ = 0;
  int stop_signals_ = 0;
  std::string note_;
  common::Instant started_at_;
  common::Instant next_start_;
  common::Instant next_stop_signal_;
};

}  // namespace cli
