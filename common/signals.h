// SIGINT, SIGTERM and SIGHUP as a descriptor to wait on; SIGPIPE does nothing.
#pragma once

namespace common {

// Make one at the start of main, before other threads; it may exist once at a time. Handlers, not
// a signal mask: a program that we start with exec finds every signal at its default.
// Throws std::system_error where the process is out of descriptors.
class Signals {
 public:
  Signals();
  // Puts every signal back to its default.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Readable while a signal is there that Drain() has not reported.
  int fd() const { return read_fd_; }

  struct Seen {
    int stops = 0;  // SIGINT or SIGTERM
    int reloads = 0;
  };
  // What arrived since the last call. Never blocks.
  Seen Drain();

  // Stops reported so far: 1 = finish in order, 2 or more = quickly.
  int stops() const { return stops_; }

 private:
  int read_fd_ = -1;
  int write_fd_ = -1;
  int stops_ = 0;
};

}  // namespace common
