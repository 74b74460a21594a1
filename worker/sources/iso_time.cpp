#include "worker/sources/iso_time.h"

#include <chrono>

namespace worker::sources {
namespace {

// Takes `count` digits and the text `behind` them from the front.
std::optional<int> Take(std::string_view& text, std::size_t count, std::string_view behind) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  if (!text.starts_with(behind)) return std::nullopt;
  text.remove_prefix(behind.size());
  return value;
}

std::optional<common::UnixSeconds> TakeDay(std::string_view& text) {
  const auto year = Take(text, 4, "-");
  const auto month = year ? Take(text, 2, "-") : std::nullopt;
  const auto day = month ? Take(text, 2, "") : std::nullopt;
  if (!day || *month == 0 || *day == 0) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  constexpr common::UnixSeconds kDay = 86'400;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
}

void SkipFraction(std::string_view& text) {
  if (!text.starts_with('.')) return;
  text.remove_prefix(1);
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') text.remove_prefix(1);
}

}  // namespace

std::optional<common::UnixSeconds> ParseIsoTime(std::string_view text) {
  const auto day = TakeDay(text);
  if (!day) return std::nullopt;
  if (text.empty()) return day;
  if (text[0] != 'T' && text[0] != ' ') return std::nullopt;
  text.remove_prefix(1);
  const auto hour = Take(text, 2, ":");
  const auto minute = hour ? Take(text, 2, ":") : std::nullopt;
  const auto second = minute ? Take(text, 2, "") : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  SkipFraction(text);
  if (!text.empty() && text != "Z" && text != "+00" && text != "+00:00") return std::nullopt;
  constexpr common::UnixSeconds kHour = 3600;
  constexpr common::UnixSeconds kMinute = 60;
  return *day + *hour * kHour + *minute * kMinute + *second;
}

}  // namespace worker::sources
