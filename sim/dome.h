// Dome: the orders of the chain's fills, newest first, for those who bring a key.
//
// GET /orders. A query names a user, a market, a condition or a token, or none; the page goes on by
// offset or by pagination_key.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/message.h"
#include "sim/world.h"

namespace sim {

class Dome {
 public:
  explicit Dome(const World& world) : world_(world) {}

  Response Answer(const Request& request) const;

 private:
  struct Query;

  std::optional<Response> ReadQuery(const Request& request, Query& query) const;
  std::optional<Response> ReadPage(const Request& request, Query& query) const;
  // Newest first.
  std::vector<FillNumber> Matches(const Query& query) const;
  void AppendOrder(std::string& out, FillNumber number) const;

  const World& world_;
};

}  // namespace sim
