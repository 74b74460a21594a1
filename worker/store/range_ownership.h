// Which of a wallet's seconds a range of all wallets may own.
//
// For one (wallet, second) exactly one source owns the rows. A walk that is under way owns
// everything from its first second on; a walk that is over owns what it has proven; what follows is
// free, and the range that tells it first takes it. A wallet without any cursor is the range's from
// the beginning.
#pragma once

#include <limits>
#include <vector>

#include "common/clock.h"
#include "common/trade.h"

namespace worker::store {

inline constexpr common::UnixSeconds kNeverOwned = std::numeric_limits<common::UnixSeconds>::max();

// The range's source owns [kept_from, kept_to] and everything from `from` on.
struct RangeClaim {
  common::UnixSeconds from = kNeverOwned;
  common::UnixSeconds kept_from = 1;
  common::UnixSeconds kept_to = 0;

  bool Holds(common::UnixSeconds ts) const {
    return ts >= from || (kept_from <= ts && ts <= kept_to);
  }
  friend bool operator==(const RangeClaim&, const RangeClaim&) = default;
};

// `cursors` are the wallet's, of every source; those of sources that ranges have told too must have
// what these have covered in their complete_to. `range_from`: the first second that is being told.
RangeClaim ClaimOf(common::Source source, common::UnixSeconds range_from,
                   const std::vector<common::Cursor>& cursors);

}  // namespace worker::store
