#include "coordinator/plans/range.h"

#include <algorithm>
#include <charconv>

namespace coordinator::plans {
namespace {

using common::Cursor;
using common::Source;
using common::UnixSeconds;

// The V1 exchange's first fills.
constexpr UnixSeconds kFirstFill = 1'668'988'800;
constexpr std::int64_t kSliceSeconds = std::int64_t{3} * 24 * 3600;
constexpr std::int64_t kSpanBlocks = 100'000;
// A block that is known, to guess how many there are by now. A guess too high costs a request that
// finds nothing, one too low a longer last span.
constexpr std::int64_t kKnownBlock = 87'814'766;
constexpr UnixSeconds kKnownBlockAt = 1'786'752'000;
constexpr std::int64_t kSecondsPerBlock = 2;

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::int64_t BlocksBy(UnixSeconds now) {
  return kKnownBlock + std::max<std::int64_t>(0, now - kKnownBlockAt) / kSecondsPerBlock;
}

bool IsUnderWay(const Cursor& cursor) {
  return !cursor.position.empty() || cursor.complete_to == 0;
}

// Whether ranges alone have told it: how far is in their coverage, not in the cursor.
bool IsOfRanges(const Cursor& cursor, const std::vector<Coverage>& coverages) {
  return cursor.position.empty() && cursor.complete_to == 0 &&
         std::any_of(coverages.begin(), coverages.end(), [&](const Coverage& coverage) {
           return coverage.source == cursor.source && coverage.to_ts >= coverage.from_ts;
         });
}

// Spans from `next` to `to`; they are fine as far as there is something, up to `guess`.
void Cut(Source source, std::int64_t next, std::optional<std::int64_t> to, std::int64_t guess,
         std::vector<RangeTask>& tasks) {
  const bool has_blocks = source == Source::kRpc;
  const std::int64_t fine_to = std::min(to.value_or(guess), guess);
  while (!to || next <= *to) {
    // Before the first fill there is nothing to cut.
    const std::int64_t begin = has_blocks ? next : std::max(next, kFirstFill);
    const std::int64_t last = begin + (has_blocks ? kSpanBlocks : kSliceSeconds) - 1;
    if (last >= fine_to) {
      tasks.push_back({source, next, to});
      return;
    }
    tasks.push_back({source, next, last});
    next = last + 1;
  }
}

bool IsFirst(Source source, std::int64_t from) {
  return from <= (source == Source::kRpc ? kFirstBlock : 1);
}

// What is done before `covered`, from its first second or block backwards. `done` is sorted.
void Precede(const std::vector<RangeDone>& done, Coverage& covered) {
  if (!covered.is_told() || covered.first() == 0) return;
  for (std::size_t i = done.size(); i > 0; --i) {
    const RangeDone& one = done[i - 1];
    if (one.task.source != covered.source || one.task.from >= covered.first()) continue;
    if (one.reached < covered.first() - 1) return;
    covered.from_ts = IsFirst(covered.source, one.task.from) ? 1 : one.begins_at;
    covered.from_block = one.task.from;
  }
}

}  // namespace

std::string ToString(const RangeTask& task) {
  return std::string(common::ToString(task.source)) + " " + std::to_string(task.from) + "-" +
         (task.to ? std::to_string(*task.to) : "head");
}

std::optional<RangeTask> ParseRangeTask(const std::string& text) {
  const std::size_t space = text.find(' ');
  const std::size_t dash = text.find('-', space == std::string::npos ? text.size() : space);
  if (dash == std::string::npos) return std::nullopt;
  const auto source = common::ParseSource(std::string_view(text).substr(0, space));
  const auto from = Number(std::string_view(text).substr(space + 1, dash - space - 1));
  const std::string_view end = std::string_view(text).substr(dash + 1);
  const auto to = Number(end);
  if (!source || !from || (!to && end != "head")) return std::nullopt;
  return RangeTask{*source, *from, to};
}

std::optional<std::string> WhyNoRange(const Coverage& covered, std::int64_t from,
                                      std::optional<std::int64_t> to) {
  if (!covered.is_told() || from == covered.last() + 1) return std::nullopt;
  const std::string name(common::ToString(covered.source));
  if (from >= covered.first()) {
    return "ranges of " + name + " go on from " + std::to_string(covered.last() + 1) +
           "; leave the beginning out";
  }
  if (to && *to < covered.first() - 1) {
    return "ranges of " + name + " begin at " + std::to_string(covered.first()) +
           "; one before them has to reach it";
  }
  return std::nullopt;
}

std::optional<std::string> WhyNothing(Source source, std::int64_t from, UnixSeconds now) {
  if (source == Source::kRpc) {
    const std::int64_t guess = BlocksBy(now);
    if (from < 2 * guess) return std::nullopt;
    return "block " + std::to_string(from) + " is far beyond the chain's newest, which is near " +
           std::to_string(guess) + "; a range of rpc begins at a block, not at a second";
  }
  if (from <= common::kV1Cutover) return std::nullopt;
  return "the subgraph ends at " + std::to_string(common::kV1Cutover) + ": there is nothing from " +
         std::to_string(from) + " on";
}

std::vector<RangeTask> PlanRange(Source source, const std::optional<Coverage>& covered,
                                 std::optional<std::int64_t> from, std::optional<std::int64_t> to,
                                 UnixSeconds now) {
  const bool has_blocks = source == Source::kRpc;
  if (!has_blocks) to = std::min(to.value_or(common::kV1Cutover), common::kV1Cutover);
  const std::int64_t guess = has_blocks ? BlocksBy(now) : *to;
  std::vector<RangeTask> tasks;
  if (covered && covered->is_told() && from && *from < covered->first()) {
    Cut(source, *from, covered->first() - 1, guess, tasks);
  }
  std::int64_t next = has_blocks ? kFirstBlock : 1;
  if (from) next = *from;
  if (covered) next = covered->last() + 1;
  Cut(source, next, to, guess, tasks);
  return tasks;
}

Coverage BeginCoverage(const RangeTask& first) {
  Coverage coverage;
  coverage.source = first.source;
  if (first.source == Source::kRpc) {
    coverage.from_ts = IsFirst(first.source, first.from) ? 1 : kUnknownBegin;
    coverage.to_block = first.from - 1;
  } else {
    coverage.from_ts = std::max<UnixSeconds>(1, first.from);
  }
  coverage.to_ts = coverage.from_ts - 1;
  return coverage;
}

Coverage Advance(Coverage covered, std::vector<RangeDone> done) {
  std::sort(done.begin(), done.end(), [](const RangeDone& a, const RangeDone& b) {
    return a.task.from != b.task.from ? a.task.from < b.task.from : a.reached < b.reached;
  });
  const bool has_blocks = covered.source == Source::kRpc;
  for (const RangeDone& one : done) {
    if (one.task.source != covered.source) continue;
    const std::int64_t end = covered.last();
    if (one.task.from > end + 1) break;
    if (one.reached <= end) continue;
    if (covered.from_ts == kUnknownBegin) covered.from_ts = one.begins_at;
    if (has_blocks) covered.to_block = one.reached;
    covered.to_ts = std::max(covered.to_ts == kUnknownBegin - 1 ? 0 : covered.to_ts, one.ends_at);
  }
  Precede(done, covered);
  return covered;
}

std::vector<Cursor> WithCoverage(std::vector<Cursor> cursors,
                                 const std::vector<Coverage>& coverages,
                                 std::optional<UnixSeconds> skipped_to) {
  for (const Coverage& coverage : coverages) {
    if (coverage.to_ts < coverage.from_ts) continue;
    UnixSeconds own = 0;  // what the wallet's own syncs have proven
    bool is_under_way = false;
    Cursor* told = nullptr;
    for (Cursor& cursor : cursors) {
      if (cursor.source == coverage.source) {
        told = &cursor;
        continue;
      }
      is_under_way = is_under_way || (IsUnderWay(cursor) && !IsOfRanges(cursor, coverages));
      own = std::max(own, cursor.complete_to);
    }
    // A walk of the covering source itself, by this wallet alone, owns what it is telling.
    if (told != nullptr && !told->position.empty()) continue;
    if (is_under_way || (skipped_to && *skipped_to > own)) continue;
    if (told != nullptr) {
      // The spans must join what was proven before them.
      if (coverage.from_ts > std::max(told->complete_to, own) + 1) continue;
      told->complete_to = std::max(told->complete_to, coverage.to_ts);
    } else if (own + 1 >= coverage.from_ts && coverage.to_ts > own) {
      cursors.push_back({coverage.source, own + 1, coverage.to_ts, {}});
    }
  }
  return cursors;
}

}  // namespace coordinator::plans
