// The markets of a recorded world: those of Gamma verbatim, those of the CLOB, and those that only
// a fill speaks of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sim/recorded_json.h"
#include "sim/world.h"

namespace sim {

// What a recorded fill says of its token. A fill on chain says the token alone.
struct TokenHint {
  std::string decimal;
  std::string condition_id;
  std::string outcome;
  std::string title;
  std::string slug;
  std::string icon;
};

class MarketBook {
 public:
  explicit MarketBook(WorldParts& parts);

  // A condition that is there already stays as it is.
  void AddGamma(std::string_view raw);
  void AddClob(std::string_view raw);

  // The token's number. A token of no market gets one that nobody knows: with the condition of the
  // hint, or else with a made-up one of its own.
  std::uint32_t TokenFor(const TokenHint& hint);

  // Gives markets of which one token was seen a made-up second one: every market of the world has
  // all its tokens. To be called once, last.
  void Complete();

 private:
  std::uint32_t EventFor(std::string_view raw);
  std::uint32_t TagFor(const std::string& label);
  std::uint32_t AddMarket(Market market);
  std::uint32_t AddToken(std::uint32_t market, std::size_t outcome, const std::string& decimal);
  std::uint32_t MarketOf(const TokenHint& hint);

  WorldParts& parts_;
  std::unordered_map<std::string, std::uint32_t> markets_;  // by condition
  std::unordered_map<std::string, std::uint32_t> tokens_;   // by decimal
  std::unordered_map<std::string, std::uint32_t> events_;   // by id
  std::unordered_map<std::string, std::uint32_t> tags_;     // by label
};

}  // namespace sim
