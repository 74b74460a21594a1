#include "worker/jobs/ownership.h"

#include <algorithm>

namespace worker::jobs {
namespace {

using common::Cursor;
using common::Source;

// Everything from the first second on: 0 would mean "the last three years" to the Data API.
constexpr common::UnixSeconds kBeginning = 1;

const Cursor* Find(const std::vector<Cursor>& cursors, Source source) {
  const auto found = std::find_if(cursors.begin(), cursors.end(),
                                  [&](const Cursor& cursor) { return cursor.source == source; });
  return found == cursors.end() ? nullptr : &*found;
}

// Whom the source takes over from: who has told most. Where it has a cursor of its own, only one
// that has told what follows (a range does), and only if no walk of its own is under way.
const Cursor* Ahead(const std::vector<Cursor>& cursors, Source source, const Cursor* own) {
  if (own != nullptr && !own->position.empty()) return nullptr;
  const Cursor* ahead = nullptr;
  for (const Cursor& cursor : cursors) {
    if (cursor.source == source) continue;
    const bool follows =
        own == nullptr || (cursor.owned_from > own->owned_from &&
                           cursor.complete_to > own->complete_to && cursor.position.empty());
    if (!follows) continue;
    if (ahead == nullptr || cursor.complete_to > ahead->complete_to) ahead = &cursor;
  }
  return ahead;
}

// Whether another source has told of the time behind `own`, without having proven it.
bool IsFollowed(const std::vector<Cursor>& cursors, const Cursor& own) {
  return std::any_of(cursors.begin(), cursors.end(), [&](const Cursor& cursor) {
    return cursor.source != own.source && cursor.owned_from > own.owned_from;
  });
}

// The first that owns what the archive may not fill in.
const Cursor* FirstLive(const std::vector<Cursor>& cursors) {
  const Cursor* first = nullptr;
  for (const Cursor& cursor : cursors) {
    if (cursor.source == Source::kSubgraph) continue;
    if (first == nullptr || cursor.owned_from < first->owned_from) first = &cursor;
  }
  return first;
}

}  // namespace

std::optional<Source> SourceFor(std::string_view requested) {
  if (requested == "auto") return Source::kDataApi;
  return common::ParseSource(requested);
}

WalkStart BeginWalk(Source source, const std::vector<Cursor>& stored, bool has_trades) {
  WalkStart start;
  const Cursor* own = Find(stored, source);
  start.cursor = own != nullptr ? *own : Cursor{source, kBeginning, 0, {}};
  if (source != Source::kSubgraph) {
    if (const Cursor* ahead = Ahead(stored, source, own)) {
      start.cursor = {source, ahead->complete_to + 1, own != nullptr ? ahead->complete_to : 0, {}};
      start.takes_over = true;
    } else if (own != nullptr && own->position.empty() && IsFollowed(stored, *own)) {
      // A range that has not come through told rows that this walk will tell again.
      start.takes_over = true;
    }
  } else if (const Cursor* live = FirstLive(stored)) {
    const bool tells = own != nullptr && (own->complete_to > 0 || !own->position.empty());
    if (live->owned_from > 1 && has_trades && !tells) {
      // A source that has taken over from a range owns the beginning too, and no cursor says so.
      start.nothing_to_do = live->complete_to > 0 && live->position.empty();
      if (!start.nothing_to_do) {
        start.refusal = "another source owns this wallet's beginning: sync it with --source auto";
      }
      return start;
    }
    start.last_second = live->owned_from - 1;
    const bool told =
        start.cursor.position.empty() && start.cursor.complete_to >= *start.last_second;
    if (*start.last_second < start.cursor.owned_from || told) {
      const bool live_is_done = live->complete_to > 0 && live->position.empty();
      start.nothing_to_do = live_is_done;
      if (!live_is_done) {
        start.refusal =
            "the Data API owns this wallet and has not told all of it: sync it with --source auto";
      }
    }
  }
  return start;
}

}  // namespace worker::jobs
