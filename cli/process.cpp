#include "cli/process.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/files.h"

namespace cli {
namespace {

struct Stat {
  char state = 0;
  std::uint64_t started = 0;
};

// Reads one /proc/.../stat. The name, in parentheses, may itself hold spaces and parentheses, so
// fields are counted from the last ')'. Fit to be called between fork and exec.
std::optional<Stat> ReadStat(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::array<char, 1024> text;
  const ssize_t size = read(fd, text.data(), text.size());
  close(fd);
  if (size <= 0) return std::nullopt;
  std::string_view rest(text.data(), static_cast<std::size_t>(size));
  const std::size_t name_end = rest.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= rest.size()) return std::nullopt;
  rest.remove_prefix(name_end + 2);
  Stat stat;
  stat.state = rest.front();
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  std::from_chars(rest.data(), rest.data() + rest.size(), stat.started);
  return stat;
}

int SysPidfdOpen(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

// Everything a child needs, made before the fork: after it nothing may allocate.
struct Prepared {
  std::vector<const char*> arguments;
  std::vector<std::string> environment_text;
  std::vector<const char*> environment;
  std::string pid_file_beside;
  const LaunchOrder* order = nullptr;
};

Prepared Prepare(const LaunchOrder& order) {
  Prepared prepared;
  prepared.order = &order;
  for (const std::string& argument : order.arguments) {
    prepared.arguments.push_back(argument.c_str());
  }
  prepared.arguments.push_back(nullptr);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    bool is_replaced = false;
    for (const auto& [name, value] : order.environment) {
      is_replaced = is_replaced || (text.starts_with(name) && text.size() > name.size() &&
                                    text[name.size()] == '=');
    }
    if (!is_replaced) prepared.environment_text.emplace_back(text);
  }
  for (const auto& [name, value] : order.environment) {
    prepared.environment_text.push_back(fmt::format("{}={}", name, value));
  }
  for (const std::string& entry : prepared.environment_text) {
    prepared.environment.push_back(entry.c_str());
  }
  prepared.environment.push_back(nullptr);
  if (!order.pid_file.empty()) prepared.pid_file_beside = order.pid_file.string() + ".new";
  return prepared;
}

// "pid start-time\n", complete or not there.
bool WriteOwnPidFile(const Prepared& prepared) {
  const std::optional<Stat> stat = ReadStat("/proc/self/stat");
  if (!stat) return false;
  std::array<char, 64> text;
  char* at = std::to_chars(text.data(), text.data() + 20, getpid()).ptr;
  *at++ = ' ';
  at = std::to_chars(at, at + 20, stat->started).ptr;
  *at++ = '\n';
  const int fd =
      open(prepared.pid_file_beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  const ssize_t size = at - text.data();
  const bool is_written = write(fd, text.data(), static_cast<std::size_t>(size)) == size;
  close(fd);
  return is_written &&
         rename(prepared.pid_file_beside.c_str(), prepared.order->pid_file.c_str()) == 0;
}

bool RedirectOutput(const std::filesystem::path& log) {
  const int input = open("/dev/null", O_RDONLY);
  const int output = open(log.empty() ? "/dev/null" : log.c_str(),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  return input >= 0 && output >= 0 && dup2(input, 0) == 0 && dup2(output, 1) == 1 &&
         dup2(output, 2) == 2;
}

struct ChildFailure {
  int cause = 0;
  char step[60] = {};
};

// The child's way to its program. Returns the step that failed.
const char* TurnInto(const Prepared& prepared) {
  const LaunchOrder& order = *prepared.order;
  for (int number = 1; number < 32; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  setsid();
  if (!RedirectOutput(order.log)) return "opening its log";
  if (!order.pid_file.empty() && !WriteOwnPidFile(prepared)) return "writing its pid file";
  if (order.user) {
    if (const char* step = Become(*order.user)) return step;
  }
  if (!order.directory.empty() && chdir(order.directory.c_str()) != 0) {
    return "entering its directory";
  }
  execve(prepared.arguments.front(), const_cast<char* const*>(prepared.arguments.data()),
         const_cast<char* const*>(prepared.environment.data()));
  return "starting it";
}

[[noreturn]] void RunChild(const Prepared& prepared, int report) {
  const char* step = TurnInto(prepared);
  ChildFailure failure;
  failure.cause = errno;
  std::strncpy(failure.step, step, sizeof failure.step - 1);
  [[maybe_unused]] const ssize_t written = write(report, &failure, sizeof failure);
  _exit(127);
}

}  // namespace

std::optional<ProcessId> FindProcess(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const std::optional<Stat> stat = ReadStat(path.c_str());
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return ProcessId{pid, stat->started};
}

bool IsAlive(const ProcessId& process) {
  return FindProcess(process.pid) == process;
}

std::optional<ProcessId> ReadPidFile(const std::filesystem::path& path) {
  const std::optional<std::string> text = ReadFile(path);
  if (!text) return std::nullopt;
  ProcessId process;
  const char* const end = text->data() + text->size();
  const auto pid = std::from_chars(text->data(), end, process.pid);
  if (pid.ec != std::errc{} || pid.ptr == end || process.pid <= 0) return std::nullopt;
  std::from_chars(pid.ptr + 1, end, process.started);
  if (!IsAlive(process)) return std::nullopt;
  return process;
}

int OpenPidFd(const ProcessId& process) {
  const int fd = SysPidfdOpen(process.pid);
  if (fd < 0) return -1;
  if (!IsAlive(process)) {
    close(fd);
    return -1;
  }
  return fd;
}

void SendSignal(const ProcessId& process, int signal) {
  const int fd = OpenPidFd(process);
  if (fd < 0) return;
  syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0);
  close(fd);
}

bool WaitForEnd(const ProcessId& process, common::Duration timeout) {
  const int fd = OpenPidFd(process);
  if (fd < 0) return true;
  pollfd waited{fd, POLLIN, 0};
  const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  const bool has_ended = poll(&waited, 1, static_cast<int>(timeout_ms)) > 0;
  close(fd);
  if (has_ended) Reap(process.pid);
  return has_ended;
}

std::optional<int> Reap(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ForgetEndedChildren() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, nullptr);
}

void RememberEndedChildren() {
  signal(SIGCHLD, SIG_DFL);
}

common::Result<ProcessId> Launch(const LaunchOrder& order) {
  const Prepared prepared = Prepare(order);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    return common::Error{common::ErrorKind::kTransient, "out of descriptors"};
  }
  const pid_t pid = fork();
  if (pid == 0) RunChild(prepared, report[1]);
  close(report[1]);
  ChildFailure failure;
  ssize_t size = 0;
  if (pid > 0) {
    // Ends with nothing read as soon as the program runs.
    do size = read(report[0], &failure, sizeof failure);
    while (size < 0 && errno == EINTR);
  }
  close(report[0]);
  if (pid < 0) {
    return common::Error{common::ErrorKind::kTransient,
                         std::string("fork failed: ") + std::generic_category().message(errno)};
  }
  if (size > 0) {
    int status = 0;
    waitpid(pid, &status, 0);
    return common::Error{common::ErrorKind::kTransient,
                         order.arguments.front() + ": " + failure.step +
                             " failed: " + std::generic_category().message(failure.cause)};
  }
  // It may have ended already; the caller sees that as any other end.
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const std::optional<Stat> stat = ReadStat(path.c_str());
  return ProcessId{pid, stat ? stat->started : 0};
}

std::filesystem::path ProgramFolder() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure).parent_path();
}

}  // namespace cli
