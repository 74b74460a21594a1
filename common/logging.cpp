#include "common/logging.h"

#include <array>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace common {
namespace {

constexpr std::array<std::pair<LogLevel, const char*>, 4> kLevelNames{{
    {LogLevel::kDebug, "debug"},
    {LogLevel::kInfo, "info"},
    {LogLevel::kWarning, "warning"},
    {LogLevel::kError, "error"},
}};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> MakeLogger(std::string program, LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>(std::move(program),
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc));
  logger->set_level(ToSpdlog(level));
  logger->flush_on(spdlog::level::debug);
  // A line that cannot be written is lost; there is nowhere to complain.
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

// Where a standard descriptor is closed, the next socket or file would get its number, and log
// lines would go into it.
void OccupyStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) continue;
    const int opened = open("/dev/null", O_RDWR);
    if (opened > STDERR_FILENO) close(opened);
  }
}

// Changed by SetUpLogging only, before there are other threads, so Log() needs no lock.
spdlog::logger*& Current() {
  static const std::shared_ptr<spdlog::logger> kBeforeSetUp =
      MakeLogger("seine", LogLevel::kWarning);
  static spdlog::logger* current = kBeforeSetUp.get();
  return current;
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7F || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void AppendQuoted(std::string& line, std::string_view value) {
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < ' ' || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace

LogField::LogField(std::string_view field_key, double number)
    : key(field_key), value(fmt::format("{:.6g}", number)) {}

std::optional<LogLevel> ParseLogLevel(std::string_view text) {
  for (const auto& [level, name] : kLevelNames) {
    if (text == name) return level;
  }
  return std::nullopt;
}

void SetUpLogging(std::string_view program, LogLevel level) {
  OccupyStandardDescriptors();
  static std::shared_ptr<spdlog::logger> chosen;
  chosen = MakeLogger(std::string(program), level);
  Current() = chosen.get();
}

std::string FormatEvent(std::string_view event, LogFields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (NeedsQuotes(field.value)) {
      AppendQuoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line;
}

void Log(LogLevel level, std::string_view event, LogFields fields) noexcept {
  try {
    spdlog::logger* logger = Current();
    if (!logger->should_log(ToSpdlog(level))) return;
    const std::string line = FormatEvent(event, fields);
    logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {  // NOLINT(bugprone-empty-catch): a log line is never worth the process.
  }
}

}  // namespace common
