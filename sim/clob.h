// The CLOB: every market it ever traded, by condition, by token, or page by page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/known.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

class Clob {
 public:
  Clob(const World& world, std::int64_t unknown_after_seconds);

  // The path is below the prefix of the CLOB.
  Response Answer(const Request& request) const;

 private:
  Response Page(const Request& request) const;
  Response ByCondition(const Request& request, std::string_view condition_id) const;
  Response ByToken(const Request& request, std::string_view decimal) const;
  void AppendMarket(std::string& out, const Market& market) const;
  void AppendTokens(std::string& out, const Market& market) const;

  const World& world_;
  const Knowledge knowledge_;
};

}  // namespace sim
