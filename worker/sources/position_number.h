// The numbers of a position that is kept as a text.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace worker::sources {

// Takes a number and the character behind it from the front of `text`; nothing where there is no
// such number, or it is negative.
template <typename Number = std::int64_t>
std::optional<Number> TakeNumber(std::string_view& text, char behind = ';') {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool is_whole = error == std::errc{} && stop != end && *stop == behind;
  if (!is_whole || std::cmp_less(value, 0)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return value;
}

}  // namespace worker::sources
