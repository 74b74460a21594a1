#include "sim/cursor.h"

#include <fmt/format.h>

#include "sim/random.h"
#include "sim/text.h"

namespace sim {
namespace {

std::string Signature(std::uint64_t seed, std::string_view text) {
  std::uint64_t high = Mix(seed, 21);
  std::uint64_t low = Mix(seed, 22);
  for (const char c : text) {
    high = Mix(high, static_cast<std::uint8_t>(c));
    low = Mix(low, high);
  }
  return fmt::format("{:016x}{:016x}", high, low);
}

std::string Seal(std::uint64_t seed, std::string_view content) {
  return Base64Url(fmt::format(R"({{"data":{},"sig":"{}"}})", content, Signature(seed, content)));
}

// The content of a cursor whose signature is right.
std::optional<std::string> Open(std::uint64_t seed, std::string_view cursor) {
  constexpr std::string_view kHead = R"({"data":)";
  constexpr std::string_view kMiddle = R"(,"sig":")";
  const auto text = FromBase64(cursor);
  if (!text || !text->starts_with(kHead)) return std::nullopt;
  const std::size_t middle = text->rfind(kMiddle);
  if (middle == std::string::npos || middle < kHead.size()) return std::nullopt;
  std::string content = text->substr(kHead.size(), middle - kHead.size());
  const std::string expected = Signature(seed, content) + "\"}";
  if (text->substr(middle + kMiddle.size()) != expected) return std::nullopt;
  return content;
}

// Takes `text` off the front, then a number.
std::optional<std::int64_t> NumberAfter(std::string_view& rest, std::string_view text) {
  if (!rest.starts_with(text)) return std::nullopt;
  rest.remove_prefix(text.size());
  const std::size_t end = rest.find_first_not_of("-0123456789");
  const auto number = ParseInteger(rest.substr(0, end));
  rest = end == std::string_view::npos ? "" : rest.substr(end);
  return number;
}

}  // namespace

std::string SealFeedCursor(std::uint64_t seed, std::string_view endpoint,
                           const FeedPosition& position) {
  return Seal(
      seed, fmt::format(R"({{"type":"{}","params":{{"l":{},"ts":{},"sq":{},"d":{}}}}})", endpoint,
                        position.limit, position.timestamp, position.sequence, position.direction));
}

std::optional<FeedPosition> OpenFeedCursor(std::uint64_t seed, std::string_view endpoint,
                                           std::string_view cursor) {
  const auto content = Open(seed, cursor);
  if (!content) return std::nullopt;
  std::string_view rest = *content;
  const auto limit = NumberAfter(rest, fmt::format(R"({{"type":"{}","params":{{"l":)", endpoint));
  if (!limit) return std::nullopt;
  const auto timestamp = NumberAfter(rest, R"(,"ts":)");
  const auto sequence = NumberAfter(rest, R"(,"sq":)");
  const auto direction = NumberAfter(rest, R"(,"d":)");
  if (!timestamp || !sequence || !direction) return std::nullopt;
  return FeedPosition{*limit, *timestamp, *sequence, *direction};
}

std::string SealPlace(std::uint64_t seed, std::string_view endpoint, std::int64_t place) {
  return Seal(seed, fmt::format(R"({{"list":"{}","after":{}}})", endpoint, place));
}

std::optional<std::int64_t> OpenPlace(std::uint64_t seed, std::string_view endpoint,
                                      std::string_view cursor) {
  const auto content = Open(seed, cursor);
  if (!content) return std::nullopt;
  std::string_view rest = *content;
  return NumberAfter(rest, fmt::format(R"({{"list":"{}","after":)", endpoint));
}

}  // namespace sim
