// Where a walk over the orderbook subgraph stands: the last event that is told, and the second of
// the first refused one. As text: "1;<ts>;<refused>;<id>".
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"

namespace worker::sources {

struct SubgraphPosition {
  common::UnixSeconds ts = 0;
  common::UnixSeconds refused_at = 0;  // 0: none
  std::string id;                      // empty: no event yet
};

std::string Encode(const SubgraphPosition& position);

// The beginning, where the text is not what Encode wrote. An id without quotes is promised: it goes
// into a query.
SubgraphPosition DecodeSubgraphPosition(std::string_view text);

}  // namespace worker::sources
