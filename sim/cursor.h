// Opaque cursors: base64 of a JSON text with a signature, bound to one endpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sim {

// The last row that was told, by what its list is sorted by.
struct FeedPosition {
  // kStart: nothing was told yet, and the list goes as it goes without cursor.
  enum Direction : std::int64_t { kStart = 0, kAscending = 1, kDescending = 2 };

  std::int64_t limit = 0;
  std::int64_t timestamp = 0;
  std::int64_t sequence = 0;
  std::int64_t direction = kDescending;

  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

// As Data API v2 writes it: {"data":{"type":"trades","params":{"l":..,"ts":..,"sq":..,"d":2}},
// "sig":".."}.
std::string SealFeedCursor(std::uint64_t seed, std::string_view endpoint,
                           const FeedPosition& position);

// Nothing for a cursor that was changed, or made for another endpoint or by another server.
std::optional<FeedPosition> OpenFeedCursor(std::uint64_t seed, std::string_view endpoint,
                                           std::string_view cursor);

// For keyset lists: the place in the list alone.
std::string SealPlace(std::uint64_t seed, std::string_view endpoint, std::int64_t place);
std::optional<std::int64_t> OpenPlace(std::uint64_t seed, std::string_view endpoint,
                                      std::string_view cursor);

}  // namespace sim
