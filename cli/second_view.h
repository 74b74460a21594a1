// Other views of what was synced, that the upstreams tell by themselves: positions and volumes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/error.h"

namespace cli {

// What the Data API says of one wallet's position in one token.
struct BoughtShares {
  std::int64_t total = 0;          // ever bought, in millionths
  std::int64_t last_event_at = 0;  // unix seconds; 0: not told
};
using BoughtByToken = std::map<std::string, BoughtShares>;

// Adds a page of /v2/positions. Returns the next page's cursor, empty after the last one.
common::Result<std::string> AddPositions(const std::string& body, BoughtByToken& bought);
// All positions of the wallet, open and closed.
common::Result<BoughtByToken> BoughtUpstream(const std::string& data_url,
                                             const std::string& wallet);

struct MarketVolume {
  std::int64_t volume = 0;  // in millionths of a dollar
  bool is_closed = false;
};
// The market of that condition in a page of /markets/keyset; nothing if it is not in it.
common::Result<std::optional<MarketVolume>> FindVolume(const std::string& body,
                                                       const std::string& condition);
common::Result<std::optional<MarketVolume>> VolumeUpstream(const std::string& gamma_url,
                                                           const std::string& condition);

// Fills of all wallets in one condition.
struct ConditionCount {
  std::int64_t trades = 0;
  std::int64_t size = 0;  // the sum, in millionths of a share

  friend bool operator==(const ConditionCount&, const ConditionCount&) = default;
};
// Adds those of a page of /v2/trades that lie in these seconds. Returns the next page's cursor,
// empty after the last one.
common::Result<std::string> AddTrades(const std::string& body, std::int64_t from, std::int64_t to,
                                      ConditionCount& count);
// By condition the Data API tells three years; both sides of each match, dust included.
common::Result<ConditionCount> CountCondition(const std::string& data_url,
                                              const std::string& condition, std::int64_t from,
                                              std::int64_t to);

// Whether what all wallets traded in a market can be what Gamma states as its volume. Gamma counts
// a match once, by what its taker paid; the makers' side comes on top, as much or more or less by
// how it was made. So less than once is too little.
bool AgreesWithVolume(std::int64_t ours, std::int64_t volume);

}  // namespace cli
