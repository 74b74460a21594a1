// Gamma: markets, events and tags. Lists are in the order of the world.
//
// Lists hold open markets alone unless `closed=true` is said. They have no `next_cursor` on the
// last page, and ignore parameters that they do not know, so a client that sends `cursor` gets the
// first page for ever. The deprecated ones, by offset, are retired here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/gamma_list.h"
#include "sim/known.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

class Gamma {
 public:
  Gamma(const World& world, std::int64_t unknown_after_seconds);

  // The path is below the prefix of Gamma.
  Response Answer(const Request& request) const;

 private:
  Response Markets(const Request& request) const;
  Response Events(const Request& request) const;
  Response OneMarket(const Request& request, std::string_view rest) const;
  Response OneEvent(const Request& request, std::string_view id) const;
  Response Tags(const Request& request) const;
  // Fills in what is wanted, or returns a refusal.
  std::optional<Response> SelectMarkets(const Request& request, GammaList& list) const;
  bool Knows(std::uint32_t market, const Request& request) const;
  bool Knows(const Event& event, const Request& request) const;
  void AppendEventRow(std::string& out, const Event& event, const Request& request) const;

  const World& world_;
  const Knowledge knowledge_;
};

}  // namespace sim
