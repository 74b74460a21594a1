// /v2/resolutions: what markets were resolved to, and what is proposed for those that are not.
#pragma once

#include "sim/message.h"
#include "sim/world.h"

namespace sim {

Response AnswerResolutions(const World& world, const Request& request);

}  // namespace sim
