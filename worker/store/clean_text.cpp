#include "worker/store/clean_text.h"

#include <cstdint>

namespace worker::store {
namespace {

// Length of the valid character at `at`; 0 if there is none.
std::size_t CharacterLength(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
  };
  const std::uint8_t first = byte(at);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return 0;
  }
  const std::uint8_t second = byte(at + 1);
  if (first == 0xE0 && second < 0xA0) return 0;  // longer than needed
  if (first == 0xED && second > 0x9F) return 0;  // a surrogate
  if (first == 0xF0 && second < 0x90) return 0;
  if (first == 0xF4 && second > 0x8F) return 0;  // beyond Unicode
  return length;
}

}  // namespace

std::string CleanText(std::string_view text, std::size_t limit) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = CharacterLength(text, at);
    const std::size_t size = length == 0 ? 1 : length;
    if (clean.size() + size > limit) break;
    if (length == 0) {
      clean += '?';
    } else {
      clean.append(text, at, length);
    }
    at += size;
  }
  return clean;
}

}  // namespace worker::store
