#include "worker/store/range_ownership.h"

#include <algorithm>
#include <limits>

namespace worker::store {
namespace {

using common::Cursor;
using common::UnixSeconds;

// The last second that a walk of another source owns. One that has proven nothing is to begin anew.
UnixSeconds OwnsUntil(const Cursor& cursor) {
  const bool is_over = cursor.position.empty() && cursor.complete_to > 0;
  return is_over ? cursor.complete_to : kNeverOwned;
}

}  // namespace

RangeClaim ClaimOf(common::Source source, UnixSeconds range_from,
                   const std::vector<Cursor>& cursors) {
  const Cursor* own = nullptr;
  UnixSeconds others_until = 0;
  for (const Cursor& cursor : cursors) {
    if (cursor.source == source) {
      own = &cursor;
    } else {
      others_until = std::max(others_until, OwnsUntil(cursor));
    }
  }
  if (own == nullptr && others_until == 0) return {.from = 1};
  RangeClaim claim;
  if (others_until != kNeverOwned) claim.from = std::max(others_until + 1, range_from);
  if (own == nullptr) return claim;
  UnixSeconds next_owner = kNeverOwned;  // the first second of another source behind ours
  for (const Cursor& cursor : cursors) {
    if (cursor.source != source && cursor.owned_from > own->owned_from) {
      next_owner = std::min(next_owner, cursor.owned_from);
    }
  }
  if (next_owner == kNeverOwned) {
    // Nobody has come after us: it is ours to the end.
    claim.from = std::min(claim.from, own->owned_from);
  } else {
    claim.kept_from = own->owned_from;
    claim.kept_to = next_owner - 1;
  }
  return claim;
}

}  // namespace worker::store
