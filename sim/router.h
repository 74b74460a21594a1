// All upstreams behind one port: /gamma /data /clob /subgraph /rpc /dome, and /sim for the one who
// runs it.
//
// A request passes the limits, then the faults, then its upstream.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sim/clob.h"
#include "sim/data_api.h"
#include "sim/dome.h"
#include "sim/faults.h"
#include "sim/gamma.h"
#include "sim/http_server.h"
#include "sim/limits.h"
#include "sim/options.h"
#include "sim/rpc.h"
#include "sim/subgraph.h"
#include "sim/world.h"

namespace sim {

class Router {
 public:
  // Throws std::runtime_error for options that make no sense.
  Router(World& world, const ServeOptions& options);

  // `now_ms` is of any monotonic clock, `now` the time of day.
  Reply Answer(const HttpRequest& request, std::int64_t now_ms, common::UnixSeconds now);
  // One of the answers has left the house.
  void Done() { --in_flight_; }

  // Whether live fills go on; /sim/live ends and begins them.
  bool grows() const { return grows_; }

  std::string StatsText() const;

 private:
  Reply AnswerUpstream(Endpoint endpoint, Request request, std::string_view target,
                       std::int64_t now_ms);
  Response AskUpstream(Endpoint endpoint, const Request& request);
  Response AnswerControl(const Request& request);
  Response ChangeFaults(std::string_view body);
  Response Reorganise(const Request& request);
  Response ChangeLife(const Request& request);
  Response CloseMarkets(const Request& request);
  Response TellOracle(const Request& request) const;
  Response Refused(Endpoint endpoint, std::int64_t retry_after_s);
  Response RefusedOddly(FaultKind kind, Endpoint endpoint, common::UnixSeconds clock);
  void Spoil(FaultKind kind, Endpoint endpoint, common::UnixSeconds clock, Reply& reply);

  World& world_;
  const std::int64_t drip_ms_;
  const std::int64_t hang_ms_;
  DataApi data_api_;
  Subgraph subgraph_;
  Gamma gamma_;
  Clob clob_;
  Rpc rpc_;
  Dome dome_;
  Limits limits_;
  Faults faults_;
  std::array<std::uint64_t, kEndpoints> requests_{};
  std::map<int, std::uint64_t> responses_;
  bool grows_ = true;
  std::uint64_t rows_ = 0;
  std::uint64_t over_limit_ = 0;  // refused by the limits, not by a fault
  std::uint64_t refusals_ = 0;
  std::int64_t in_flight_ = 0;
  std::int64_t max_in_flight_ = 0;
};

// The endpoint that a path counts for, and the path below the upstream's prefix; nothing for paths
// of no upstream.
struct Destination {
  Endpoint endpoint = Endpoint::kDataTrades;
  std::string path;
};
std::optional<Destination> Classify(std::string_view path);

}  // namespace sim
