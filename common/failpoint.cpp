#include "common/failpoint.h"

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "common/environment.h"

namespace common {
namespace failpoint_detail {

std::atomic<State> state{State::kUnread};

}  // namespace failpoint_detail

namespace {

using failpoint_detail::State;

enum class Action { kKill, kAbort, kStop, kSleep, kError };

struct Armed {
  std::string name;
  Action action = Action::kError;
  std::uint64_t sleep_ms = 0;
  std::uint64_t only_hit = 0;  // 0: every hit
  std::string once_file;
  std::atomic<std::uint64_t> hits{0};
};

std::deque<Armed>& AllArmed() {
  static std::deque<Armed> all;
  return all;
}

std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts "@N" off the end of `text`; false if what follows the @ is no positive number.
bool TakeCount(std::string_view& text, std::uint64_t& count) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return true;
  const std::optional<std::uint64_t> number = ParseCount(text.substr(at + 1));
  if (!number || *number == 0) return false;
  count = *number;
  text = text.substr(0, at);
  return true;
}

bool ParseAction(std::string_view text, Armed& armed) {
  constexpr std::string_view kSleep = "sleep:";
  if (text == "kill") {
    armed.action = Action::kKill;
  } else if (text == "abort") {
    armed.action = Action::kAbort;
  } else if (text == "stop") {
    armed.action = Action::kStop;
  } else if (text == "error") {
    armed.action = Action::kError;
  } else if (text.starts_with(kSleep)) {
    const std::optional<std::uint64_t> ms = ParseCount(text.substr(kSleep.size()));
    if (!ms) return false;
    armed.action = Action::kSleep;
    armed.sleep_ms = *ms;
  } else {
    return false;
  }
  return true;
}

bool ParseEntry(std::string_view entry, Armed& armed) {
  constexpr std::string_view kOnce = "?once=";
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos) return false;
  std::string_view name = entry.substr(0, equals);
  std::string_view action = entry.substr(equals + 1);
  if (const std::size_t once = action.find(kOnce); once != std::string_view::npos) {
    armed.once_file = action.substr(once + kOnce.size());
    if (armed.once_file.empty()) return false;
    action = action.substr(0, once);
  }
  if (!TakeCount(name, armed.only_hit) || !TakeCount(action, armed.only_hit)) return false;
  armed.name = name;
  return !name.empty() && ParseAction(action, armed);
}

// True for exactly one caller, over all processes: the one that made the file.
bool MakeOnceFile(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

bool Fire(const Armed& armed) {
  switch (armed.action) {
    case Action::kKill:
      kill(getpid(), SIGKILL);
      while (true) pause();  // The signal is on its way; nothing more may happen before it.
    case Action::kAbort:
      std::abort();
    case Action::kStop:
      raise(SIGSTOP);  // at this thread: it goes no step further
      return false;
    case Action::kSleep:
      std::this_thread::sleep_for(std::chrono::milliseconds(armed.sleep_ms));
      return false;
    case Action::kError:
      return true;
  }
  return false;
}

void ArmFromEnvironment() {
  const Status armed = ArmFailpoints(Variable("SEINE_FAILPOINTS"));
  if (armed) return;
  std::fprintf(stderr, "SEINE_FAILPOINTS: %s\n", armed.error().message.c_str());
  std::_Exit(2);
}

}  // namespace

namespace failpoint_detail {

bool Hit(std::string_view name) {
  if (state.load() == State::kUnread) {
    [[maybe_unused]] static const bool kIsRead = (ArmFromEnvironment(), true);
  }
  for (Armed& armed : AllArmed()) {
    if (armed.name != name) continue;
    const std::uint64_t hit = armed.hits.fetch_add(1) + 1;
    if (armed.only_hit != 0 && hit != armed.only_hit) continue;
    if (!armed.once_file.empty() && !MakeOnceFile(armed.once_file)) continue;
    if (Fire(armed)) return true;
  }
  return false;
}

}  // namespace failpoint_detail

Status ArmFailpoints(std::string_view entries) {
  std::deque<Armed>& all = AllArmed();
  all.clear();
  while (!entries.empty()) {
    const std::size_t comma = std::min(entries.find(','), entries.size());
    const std::string_view entry = entries.substr(0, comma);
    if (!ParseEntry(entry, all.emplace_back())) {
      return Error{ErrorKind::kRejected, "cannot read failpoint '" + std::string(entry) + "'"};
    }
    entries.remove_prefix(std::min(comma + 1, entries.size()));
  }
  failpoint_detail::state.store(all.empty() ? State::kNothingArmed : State::kArmed);
  return Done{};
}

}  // namespace common
