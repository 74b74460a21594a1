// A request and its answer, with no socket in sight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"

namespace sim {

// What the upstreams count and limit.
enum class Endpoint : std::uint8_t {
  kDataTrades,
  kDataOther,
  kGammaMarkets,
  kGammaOther,
  kClob,
  kSubgraph,
  kRpc,
  kDome,
};
inline constexpr std::size_t kEndpoints = 8;

const char* ToString(Endpoint endpoint);
std::optional<Endpoint> ParseEndpoint(std::string_view text);

// A wrong page that an upstream is asked to give. An answer says whether it could be done.
enum class PageFault : std::uint8_t {
  kNone,
  kRepeat,    // the page before the asked one once more
  kEmpty,     // no rows, and yet has_more
  kNoCursor,  // has_more, and no cursor
  kStale,     // a first page as it was some minutes ago
  kFrozen,    // a subgraph that stopped long ago
  kLagging,   // a status that admits its age
};

struct Request {
  std::string method;
  std::string path;  // below the upstream's prefix, beginning with '/', percent-decoded
  std::string query_text;
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string body;
  std::string authorization;
  common::UnixSeconds now = 0;    // never before the newest fill
  common::UnixSeconds clock = 0;  // the time of day
  PageFault page_fault = PageFault::kNone;

  // The first value of a parameter.
  std::optional<std::string_view> Get(std::string_view name) const;
  // All its values, in order.
  std::vector<std::string_view> All(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t rows = 0;
  bool page_fault_done = false;
};

// Splits "/path?a=1&a=2" and decodes percent signs and plus signs.
Request ParseTarget(std::string_view method, std::string_view target);

Response JsonResponse(int status, std::string body);

}  // namespace sim
