// The orderbook subgraph of the V1 era, as graph-node serves it.
//
// POST with {query, variables}. Everything that graph-node would refuse is a GraphQL error: HTTP
// 200, `errors`, no `data`. It knows orderFilledEvents, orderFilledEvent and _meta; _meta.block
// goes on with the clock although the archive is closed.
#pragma once

#include "sim/message.h"
#include "sim/world.h"

namespace sim {

class Subgraph {
 public:
  explicit Subgraph(const World& world) : world_(world) {}

  Response Answer(const Request& request) const;

 private:
  const World& world_;
};

// The newest event of a subgraph that PageFault::kFrozen has stopped: 2026-01-05T00:00:00Z.
inline constexpr common::UnixSeconds kFrozenAt = 1'767'571'200;

}  // namespace sim
