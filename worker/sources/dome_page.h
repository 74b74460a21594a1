// A page of Dome's /orders, read but not judged: see dome.cpp for what must hold.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/sources/trade_source.h"

namespace worker::sources {

class JsonText;

inline constexpr std::size_t kDomePageSize = 1000;

struct DomeOrder {
  common::WalletAddress user;
  common::UnixSeconds ts = 0;
  common::Result<common::Trade> trade;  // an error: why the order cannot be one
  TokenHint hint;
};

struct DomePage {
  std::vector<DomeOrder> orders;
  bool has_more = false;
  std::string pagination_key;  // empty: the next page goes by offset
};

// kTransient: an error body, no complete JSON, or no word about more. kThrottled: as it says.
// kMalformed: an order lacks what identifies it.
common::Result<DomePage> ReadDomePage(JsonText& json, std::string_view body);

}  // namespace worker::sources
