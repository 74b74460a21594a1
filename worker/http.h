// The seam to the outside: start a request, collect what finished.
//
// A client is used by one thread, the worker's network loop. It never blocks but in Wait, never
// retries and never paces: the cores decide when to try (again).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"

namespace worker {

// What the documented rate limits are counted by; the names appear in --rate and in status.
enum class Endpoint : std::uint8_t {
  kDataTrades,
  kDataOther,
  kGammaMarkets,
  kGammaOther,
  kClob,
  kSubgraph,
  kRpc,
  kDome
};
inline constexpr int kEndpointCount = 8;
const char* ToString(Endpoint endpoint);  // "data_trades", "data_other", ...

struct HttpRequest {
  Endpoint endpoint = Endpoint::kDataOther;
  std::string url;
  std::string body;  // not empty: POST as application/json
  // Further header lines, "Name: value". They may hold a key: never to be logged or told.
  std::vector<std::string> headers = {};
};

struct HttpResponse {
  std::uint64_t id = 0;
  int status = 0;    // 0: no complete answer came, see `failure`
  std::string body;  // decoded; at most the client's cap
  std::string failure;
  bool too_large = false;  // status 0, because the answer goes beyond the client's caps
  // From Retry-After, between 0.1 and 300 seconds; may come with status 0, too.
  std::optional<common::Duration> retry_after;
  // The server's clock when it answered, from the header Date.
  std::optional<common::UnixSeconds> date;
  common::UnixSeconds received_at = 0;  // by this machine's clock; 0: not known
  common::Duration elapsed{};
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Every started request is answered by exactly one response with this id.
  virtual std::uint64_t Start(const HttpRequest& request) = 0;

  virtual std::vector<HttpResponse> Collect() = 0;
};

}  // namespace worker
