#include "cli/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "common/check.h"

namespace cli {

std::string Grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = text.front() == '-' ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string Rate(double per_s) {
  if (per_s >= 100) return Grouped(std::llround(per_s));
  if (per_s < 0.05) return "0";
  return fmt::format("{:.1f}", per_s);
}

std::string Span(double seconds) {
  const std::int64_t s = std::llround(std::max(0.0, std::min(seconds, 1e12)));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} m {} s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{} h {} m", s / 3600, s / 60 % 60);
  return fmt::format("{} d {} h", s / 86400, s / 3600 % 24);
}

std::string Bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (number >= 999.5 && unit + 1 < kUnits.size()) {
    number /= 1000;
    ++unit;
  }
  const int digits = unit > 0 && number < 9.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", number, digits, kUnits[unit]);
}

std::string Utc(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return "-";
  const std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string Plural(std::int64_t count, const char* noun) {
  return Grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string UrlEncoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

std::string Bar(double fraction, int width) {
  const int full = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
  return bar;
}

namespace {

// Calls `each(begin, size, columns)` for each character or colour code.
template <typename Each>
void ForEachCharacter(std::string_view text, const Each& each) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 1;
    std::size_t columns = 1;
    if (text[at] == '\033') {
      size = std::min(text.find('m', at), text.size() - 1) - at + 1;
      columns = 0;
    } else {
      while (at + size < text.size() &&
             (static_cast<unsigned char>(text[at + size]) & 0xC0U) == 0x80) {
        ++size;
      }
    }
    if (!each(at, size, columns)) return;
    at += size;
  }
}

}  // namespace

std::size_t Columns(std::string_view text) {
  std::size_t total = 0;
  ForEachCharacter(text, [&](std::size_t, std::size_t, std::size_t columns) {
    total += columns;
    return true;
  });
  return total;
}

std::string Cut(std::string_view text, std::size_t columns) {
  if (Columns(text) <= columns) return std::string(text);
  std::string kept;
  std::size_t used = 0;
  bool has_colour = false;
  ForEachCharacter(text, [&](std::size_t at, std::size_t size, std::size_t width) {
    if (used + width + 1 > columns) return false;
    has_colour = has_colour || width == 0;
    kept += text.substr(at, size);
    used += width;
    return true;
  });
  return kept + "…" + (has_colour ? "\033[0m" : "");
}

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
  for (std::string& heading : headings_) {
    is_right_.push_back(heading.starts_with('>'));
    if (is_right_.back()) heading.erase(0, 1);
  }
}

void Table::Add(std::vector<std::string> cells) {
  CHECK(cells.size() == headings_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::string> Table::Lines() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headings_.size(); ++i) {
    std::size_t width = Columns(headings_[i]);
    for (const auto& row : rows_) width = std::max(width, Columns(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string space(widths[i] - Columns(cells[i]), ' ');
      text += i > 0 ? "  " : "";
      text += is_right_[i] ? space + cells[i] : cells[i] + space;
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  };
  std::vector<std::string> lines{line(headings_)};
  for (const auto& row : rows_) lines.push_back(line(row));
  return lines;
}

}  // namespace cli
