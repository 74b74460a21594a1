// Which walk does which unit.
#pragma once

#include <string_view>

#include "worker/jobs/unit_walk.h"
#include "worker/upstreams.h"

namespace worker::jobs {

// Whether chunks of this kind are lists of units that this version can walk.
bool IsUnitKind(std::string_view kind);

// Makes walks that ask these upstreams.
WalkMaker WalksOf(Upstreams upstreams);

}  // namespace worker::jobs
