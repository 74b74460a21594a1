// Numbers, times and tables as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

std::string Grouped(std::int64_t number);    // 1,234,567
std::string Rate(double per_s);              // "0", "0.4", "19.8", "18,203"
std::string Span(double seconds);            // "8 s", "2 m 10 s", "3 h 5 m", "2 d 4 h"
std::string Bytes(std::int64_t bytes);       // "812 kB", "1.4 GB"
std::string Utc(std::int64_t unix_seconds);  // "2026-04-28 11:00:40"; "-" for 0
std::string Plural(std::int64_t count, const char* noun);  // "1 worker", "2 workers"
// For a part of a URL.
std::string UrlEncoded(const std::string& text);
// █ and ░; `fraction` of `width` columns.
std::string Bar(double fraction, int width);

// How many columns the text takes: characters, without colour codes.
std::size_t Columns(std::string_view text);
// Cut to so many columns, with … where something is missing.
std::string Cut(std::string_view text, std::size_t columns);

// Columns as wide as they need to be; numbers (a heading that begins with '>') to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // REQUIRES: as many cells as headings.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::vector<std::string> Lines() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> is_right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cli
