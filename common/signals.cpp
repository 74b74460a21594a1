#include "common/signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "common/check.h"

namespace common {
namespace {

constexpr char kStop = 's';
constexpr char kReload = 'r';

// A handler can reach nothing but globals.
std::atomic<int> pipe_for_handler{-1};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void WriteSignal(int number) {
  const int saved = errno;
  const char letter = number == SIGHUP ? kReload : kStop;
  // A pipe that is full holds more signals than anyone will count.
  [[maybe_unused]] const ssize_t written = write(pipe_for_handler.load(), &letter, 1);
  errno = saved;
}

extern "C" void IgnoreSignal(int /*number*/) {}

void Install(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  CHECK(sigaction(number, &action, nullptr) == 0);
}

}  // namespace

Signals::Signals() {
  CHECK(pipe_for_handler.load() == -1);
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  pipe_for_handler = write_fd_;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) Install(number, WriteSignal);
  // A handler that does nothing, for SIG_IGN would be inherited by the programs that we start.
  Install(SIGPIPE, IgnoreSignal);
}

Signals::~Signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) Install(number, SIG_DFL);
  pipe_for_handler = -1;
  close(read_fd_);
  close(write_fd_);
}

Signals::Seen Signals::Drain() {
  Seen seen;
  char letter = 0;
  while (read(read_fd_, &letter, 1) == 1) ++(letter == kReload ? seen.reloads : seen.stops);
  stops_ += seen.stops;
  return seen;
}

}  // namespace common
