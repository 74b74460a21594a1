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

}  // namespace

std::optional<Source> SourceFor(std::string_view requested) {
  if (requested == "auto") return Source::kDataApi;
  return common::ParseSource(requested);
}

WalkStart BeginWalk(Source source, const std::vector<Cursor>& stored) {
  WalkStart start;
  const Cursor* own = Find(stored, source);
  start.cursor = own != nullptr ? *own : Cursor{source, kBeginning, 0, {}};
  const Cursor* archive = Find(stored, Source::kSubgraph);
  const Cursor* live = Find(stored, Source::kDataApi);
  if (source == Source::kSubgraph && live != nullptr) {
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
  } else if (source == Source::kDataApi && own == nullptr && archive != nullptr) {
    start.cursor.owned_from = archive->complete_to + 1;
    start.takes_over = true;
  }
  return start;
}

}  // namespace worker::jobs
