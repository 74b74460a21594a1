// A child process of a test: started, signalled and waited for by its pid, never by name.
//
// The child dies with the test (PR_SET_PDEATHSIG), and its output goes to a file that a failing
// test can show. Used by one thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace e2e {

using Seconds = std::chrono::duration<double>;

class Process {
 public:
  // Starts `argv` with `environment` added to ours; stdout and stderr are appended to `log_path`.
  Process(const std::vector<std::string>& argv,
          const std::map<std::string, std::string>& environment, const std::string& log_path);
  ~Process();  // kill -9 if it still runs
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal) const;
  // SIGKILL, and waits until it is gone.
  void Kill9();
  // The exit code, 128 + n when signal n ended it, nothing if it still runs after `timeout`.
  std::optional<int> Wait(Seconds timeout);

 private:
  void Reap(int status);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

// Asks `condition` again and again until it is true or `timeout` has passed.
template <typename Condition>
bool Eventually(Seconds timeout, Condition condition);

void PauseBetweenPolls();
void PauseFor(Seconds duration);  // for measurements, never to wait for a state

template <typename Condition>
bool Eventually(Seconds timeout, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    PauseBetweenPolls();
  }
  return true;
}

}  // namespace e2e
