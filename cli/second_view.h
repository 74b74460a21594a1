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

// Whether what all wallets traded in a market agrees with the volume that Gamma states. Gamma
// counts each match once or from both sides, by how it was made; less than once is too little, and
// more than twice too much.
bool AgreesWithVolume(std::int64_t ours, std::int64_t volume);

}  // namespace cli
