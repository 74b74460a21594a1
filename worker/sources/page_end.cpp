// The position: "1;<rows>;<hash>;<cursor>".
#include "worker/sources/page_end.h"

#include <fmt/format.h>

#include "worker/sources/answer.h"
#include "worker/sources/position_number.h"

namespace worker::sources {

std::optional<common::Error> StandsStill(const PageEnd& before, const PageEnd& now,
                                         std::size_t least_rows) {
  if (before.next_cursor.empty()) return std::nullopt;  // the first page
  if (now.next_cursor == before.next_cursor) return Implausible("its cursor stands still");
  if (now.rows >= least_rows && now.rows == before.rows && now.hash == before.hash) {
    return Implausible("it repeats");
  }
  return std::nullopt;
}

std::string EncodePageEnd(const PageEnd& end) {
  if (end.next_cursor.empty()) return {};
  return fmt::format("1;{};{};{}", end.rows, end.hash, end.next_cursor);
}

PageEnd DecodePageEnd(std::string_view text) {
  if (TakeNumber(text) != 1) return {};
  const auto rows = TakeNumber<std::size_t>(text);
  const auto hash = rows ? TakeNumber<std::uint64_t>(text) : std::nullopt;
  if (!hash || text.empty() || text.size() > kLongestNextCursor) return {};
  return {*rows, *hash, std::string(text)};
}

std::string EscapeQuery(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (is_plain) {
      escaped.push_back(c);
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

}  // namespace worker::sources
