// Processes that outlive the program that started them, and how they are found again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "cli/run_as.h"
#include "common/clock.h"
#include "common/error.h"

namespace cli {

// Between two looks at whether a program is up, or has ended.
inline constexpr std::chrono::milliseconds kPollInterval(20);

// A process number is used again after its process has ended; with the start time (clock ticks
// since boot, field 22 of /proc/<pid>/stat) it names one process for ever.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t started = 0;

  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

// Nothing if there is no such process, or only its unreaped remains.
std::optional<ProcessId> FindProcess(pid_t pid);
bool IsAlive(const ProcessId& process);
// Nothing if the file is missing or its process has ended.
std::optional<ProcessId> ReadPidFile(const std::filesystem::path& path);

// Never hits another process that got the same number.
void SendSignal(const ProcessId& process, int signal);
// A descriptor that becomes readable when the process ends; -1 where it has ended already.
int OpenPidFd(const ProcessId& process);
// Also reaps it where it is a child of ours. False after `timeout`.
bool WaitForEnd(const ProcessId& process, common::Duration timeout);

// How a child ended: its exit code, or 128 + the signal, as a shell would say.
std::optional<int> Reap(pid_t pid);

// From here on the remains of ended children vanish by themselves, and Reap() finds none. For
// commands that start long-lived programs and then do something else: a dead server whose remains
// stay would look alive to the next one.
void ForgetEndedChildren();
// The contrary: each child's end is reported by Reap(), once.
void RememberEndedChildren();

struct LaunchOrder {
  std::vector<std::string> arguments;                            // the first is the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::filesystem::path log;                                     // stdout and stderr, appended
  std::filesystem::path pid_file;                                // empty: none
  std::filesystem::path directory;                               // empty: where we are
  std::optional<RunAs> user;                                     // nothing: as we are
};

// Starts a program in a session of its own, so that neither our death nor our terminal's ends it.
// The pid file is there before the program runs: it is never lost, whoever is killed when. Safe to
// call with other threads running.
common::Result<ProcessId> Launch(const LaunchOrder& order);

// The folder that holds this program, where its sisters are.
std::filesystem::path ProgramFolder();

}  // namespace cli
