// Where a walk over the Data API stands, and its compact binary form in Cursor::position.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "worker/sources/page_end.h"
#include "worker/sources/tally.h"

namespace worker::sources {

struct DataApiPosition {
  // kWalk: down to the first owned second. kHead: down to a second that is proven already.
  enum class Phase : std::uint8_t { kWalk = 1, kHead = 2 };

  Phase phase = Phase::kWalk;
  common::UnixSeconds floor = 1;    // the oldest second asked for, on every page of the phase
  common::UnixSeconds horizon = 0;  // known before the phase's newest page was asked for
  std::string next_cursor;          // empty: the phase has not begun
  std::uint64_t page_hash = 0;      // of the newest page's rows, to know a repeated page
  common::UnixSeconds oldest_refused = 0;  // 0: none

  // The second in which the last page ended, and its rows so far.
  common::UnixSeconds boundary = std::numeric_limits<common::UnixSeconds>::max();
  Tally tally;
};

// More different fills of one wallet in one second are taken for a broken answer.
inline constexpr std::size_t kLargestTally = 65'536;

std::string Encode(const DataApiPosition& position);

// Nothing where the text is not what Encode of this version wrote.
std::optional<DataApiPosition> DecodeDataApiPosition(std::string_view text);

}  // namespace worker::sources
