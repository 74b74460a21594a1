// Ranges: how time or blocks are cut, what finished ones cover, and what that says of a wallet.
// Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/trade.h"

namespace coordinator::plans {

// The span that finished ranges of one source have told of every wallet, without a gap. Empty while
// to_ts < from_ts.
struct Coverage {
  common::Source source = common::Source::kRpc;
  common::UnixSeconds from_ts = 1;
  common::UnixSeconds to_ts = 0;
  // Where the source counts blocks. from_block 0: nobody knows; then nothing can be put before it.
  std::int64_t to_block = 0;
  std::int64_t from_block = 0;

  bool is_told() const { return to_ts >= from_ts; }
  // The first and the last second or block that is told.
  std::int64_t first() const { return source == common::Source::kRpc ? from_block : from_ts; }
  std::int64_t last() const { return source == common::Source::kRpc ? to_block : to_ts; }

  friend bool operator==(const Coverage&, const Coverage&) = default;
};

// Where ranges begin whose first second nobody knows yet.
inline constexpr common::UnixSeconds kUnknownBegin =
    std::numeric_limits<common::UnixSeconds>::max();
// The first block with an exchange in it.
inline constexpr std::int64_t kFirstBlock = 33'605'403;

struct RangeTask {
  common::Source source = common::Source::kRpc;
  std::int64_t from = 0;           // second or block
  std::optional<std::int64_t> to;  // nothing: "head", as far as there is anything

  friend bool operator==(const RangeTask&, const RangeTask&) = default;
};
std::string ToString(const RangeTask& task);
std::optional<RangeTask> ParseRangeTask(const std::string& text);

// Whether a range may begin at `from`, and if not, why: it has to join what is covered, behind it
// or before it, or nobody could say what is.
std::optional<std::string> WhyNoRange(const Coverage& covered, std::int64_t from,
                                      std::optional<std::int64_t> to);

// Whether there can be anything from `from` on, and if not, why. `now` tells about how many blocks
// there are.
std::optional<std::string> WhyNothing(common::Source source, std::int64_t from,
                                      common::UnixSeconds now);

// What ranges of `source` have not covered yet, up to `to` (nothing: all there is), in spans;
// `from` before what is covered: also what is missing from there on. `now` only says how finely it
// is to be cut. Empty: nothing is left.
std::vector<RangeTask> PlanRange(common::Source source, const std::optional<Coverage>& covered,
                                 std::optional<std::int64_t> from, std::optional<std::int64_t> to,
                                 common::UnixSeconds now);
// The coverage with which the first range of a source begins.
Coverage BeginCoverage(const RangeTask& first);

// A range that is done.
struct RangeDone {
  RangeTask task;
  std::int64_t reached = 0;  // the last second or block that is told; from - 1: none
  common::UnixSeconds begins_at = 0;
  common::UnixSeconds ends_at = 0;  // the second of `reached`
};
// Appends what follows, and what goes before, without a gap, in any order.
Coverage Advance(Coverage covered, std::vector<RangeDone> done);

// A wallet's cursors with what ranges have told of it. `skipped_to`: a range left rows of this
// wallet out up to that second, for it did not own them.
std::vector<common::Cursor> WithCoverage(std::vector<common::Cursor> cursors,
                                         const std::vector<Coverage>& coverages,
                                         std::optional<common::UnixSeconds> skipped_to);

}  // namespace coordinator::plans
