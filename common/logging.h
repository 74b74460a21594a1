// The log: one line on stderr for each event, "time level program event key=value ...".
//
//   LogInfo("lease_granted", {{"chunk", 17}, {"worker", "w-1"}});
// Safe to call from any thread, never throws, and work goes on where stderr is closed or full.
// Secrets are never passed as a value.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"

namespace common {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning" or "error".
std::optional<LogLevel> ParseLogLevel(std::string_view text);

// Call once at the start of main, before other threads. Before it, nothing below a warning is
// written.
void SetUpLogging(std::string_view program, LogLevel level);

struct LogField {
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, bool flag) : key(field_key), value(flag ? "yes" : "no") {}
  LogField(std::string_view field_key, double number);
  template <std::integral T>
  LogField(std::string_view field_key, T number) : key(field_key), value(std::to_string(number)) {}
  template <typename Tag, typename Rep>
  LogField(std::string_view field_key, const StrongId<Tag, Rep>& id)
      : LogField(field_key, id.value) {}
  template <typename Tag, std::size_t N>
  LogField(std::string_view field_key, const FixedBytes<Tag, N>& bytes)
      : key(field_key), value(bytes.ToString()) {}

  std::string_view key;
  std::string value;
};

using LogFields = std::initializer_list<LogField>;

void Log(LogLevel level, std::string_view event, LogFields fields) noexcept;

inline void LogDebug(std::string_view event, LogFields fields = {}) {
  Log(LogLevel::kDebug, event, fields);
}
inline void LogInfo(std::string_view event, LogFields fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(std::string_view event, LogFields fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(std::string_view event, LogFields fields = {}) {
  Log(LogLevel::kError, event, fields);
}

// "event key=value ..." without the time: values that are empty or hold spaces, quotes, '=' or
// control characters are quoted, so that an event is one line whatever it carries.
std::string FormatEvent(std::string_view event, LogFields fields);

}  // namespace common
