// A page of orderFilledEvents, read to events but not judged: see subgraph.cpp for what must hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/sources/order_filled.h"

namespace worker::sources {

class JsonText;

struct SubgraphEvent {
  std::string_view id;
  common::WalletAddress maker;
  OrderFilledV1 filled;
};

// The events of {"data": {"orderFilledEvents": [...]}}, in its order; their texts are valid until
// `json` is used again. kTransient: `errors`, no data, or no complete JSON. kMalformed: an event
// lacks a field or has one of a wrong form.
common::Result<std::vector<SubgraphEvent>> ReadSubgraphPage(JsonText& json, std::string_view body);

// The timestamp of the only event of such a page.
common::Result<common::UnixSeconds> ReadNewestTimestamp(JsonText& json, std::string_view body);

}  // namespace worker::sources
