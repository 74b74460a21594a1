// Which blocks were told, and from which chain: finished spans must join their neighbours.
//
// A walk notices by itself when blocks of its own are taken back. What lies behind its borders was
// told by others, maybe long ago. So each finished span leaves the hashes of the block before it
// and of its last one, and where two that touch disagree, one of them is of a chain that is no
// more: the one that is done second has seen the chain later, and tells the other one's blocks
// anew.
#pragma once

#include <optional>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

// Keeps the spans of the batch's units that are done. A unit whose span does not join its
// neighbours is not done: it goes back to kSyncing in `units`, and the answer says what is to be
// told anew. In the caller's transaction, behind all of its rows.
common::Result<std::vector<BrokenSpan>> SettleSpans(common::PgConnection& connection,
                                                    std::vector<UnitProgress>& units);

}  // namespace worker::store
