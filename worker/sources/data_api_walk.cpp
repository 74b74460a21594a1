#include "worker/sources/data_api_walk.h"

#include <algorithm>

#include <fmt/format.h>

#include "worker/sources/data_api.h"

namespace worker::sources {
namespace {

using Phase = DataApiPosition::Phase;

DataApiPosition BeginOf(const common::Cursor& cursor) {
  DataApiPosition position;
  position.phase = cursor.complete_to == 0 ? Phase::kWalk : Phase::kHead;
  const common::UnixSeconds proven =
      cursor.complete_to == 0 ? 0 : cursor.complete_to - kDataApiOverlap;
  position.floor = std::max({common::UnixSeconds{1}, cursor.owned_from, proven + 1});
  return position;
}

// Ends a walk of several pages: the head, from the newest row on again.
DataApiPosition HeadAfter(const DataApiPosition& walk) {
  DataApiPosition head;
  head.phase = Phase::kHead;
  head.floor = std::max(walk.floor, walk.horizon + 1 - kDataApiOverlap);
  head.oldest_refused = walk.oldest_refused;
  return head;
}

}  // namespace

DataApiPosition PositionOf(const common::Cursor& cursor) {
  return DecodeDataApiPosition(cursor.position).value_or(BeginOf(cursor));
}

std::string PlaceInUrl(const DataApiPosition& position) {
  std::string place = fmt::format("&start={}", position.floor);
  if (!position.next_cursor.empty()) place += "&cursor=" + EscapeQuery(position.next_cursor);
  return place;
}

MaybeError TakeSecond(DataApiPosition& position, common::UnixSeconds ts) {
  if (ts > position.boundary) return Implausible("its rows repeat or are not in order");
  if (ts < position.floor) return Implausible("a row from before the asked time");
  if (ts != position.boundary) {
    position.boundary = ts;
    position.tally.Clear();
  }
  return std::nullopt;
}

void NoteRefused(DataApiPosition& position, common::UnixSeconds ts) {
  const bool is_oldest = position.oldest_refused == 0 || ts < position.oldest_refused;
  if (is_oldest) position.oldest_refused = ts;
}

FeedStep StepAfter(const common::Cursor& cursor, const DataApiPosition& position, bool has_more,
                   bool is_first, common::UnixSeconds horizon) {
  FeedStep step;
  step.next = cursor;
  if (has_more) {
    step.next.position = Encode(position);
    return step;
  }
  const bool is_old = horizon - position.horizon > kDataApiOverlap;
  if (!is_first && (position.phase == Phase::kWalk || is_old)) {
    step.next.position = Encode(HeadAfter(position));
    return step;
  }
  step.last = true;
  step.next.position.clear();
  step.next.complete_to = std::max(cursor.complete_to, position.horizon);
  if (position.oldest_refused != 0) {
    step.next.complete_to = std::min(step.next.complete_to, position.oldest_refused - 1);
    step.shortfall = fmt::format("a row at {} cannot be a trade", position.oldest_refused);
  }
  return step;
}

}  // namespace worker::sources
