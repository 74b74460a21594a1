// The walk over a feed of the Data API that all of its keyset feeds have in common: newest first,
// down to a floor, and the head once more. See data_api.cpp for what is proven by it.
//
// Included by the .cpp files of this folder alone.
#pragma once

#include <string>

#include "common/trade.h"
#include "worker/sources/data_api_list.h"
#include "worker/sources/data_api_position.h"

namespace worker::sources {

inline constexpr std::size_t kFeedPageSize = 1000;

// Where the cursor's walk stands, or where a new one begins.
DataApiPosition PositionOf(const common::Cursor& cursor);

// "&start=...", and the cursor where the walk has begun.
std::string PlaceInUrl(const DataApiPosition& position);

// Takes the second of the next row: newer than the last one, or from before the floor, is an error.
MaybeError TakeSecond(DataApiPosition& position, common::UnixSeconds ts);

// A row that cannot be told holds completeness back, also where a head is read again after its
// walk.
void NoteRefused(DataApiPosition& position, common::UnixSeconds ts);

struct FeedStep {
  common::Cursor next;
  bool last = false;
  std::string shortfall;  // with `last`: why not all up to the horizon is told
};

// The step that a page which was read makes: `position` is at the page's end, `is_first` tells that
// the page began its phase, `horizon` is the newest one.
FeedStep StepAfter(const common::Cursor& cursor, const DataApiPosition& position, bool has_more,
                   bool is_first, common::UnixSeconds horizon);

}  // namespace worker::sources
