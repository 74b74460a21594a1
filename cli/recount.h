// Counts a wallet's trades a second way, straight from the Data API, knowing nothing of how they
// were synced.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"

namespace cli {

struct SideCount {
  std::int64_t trades = 0;
  std::int64_t size = 0;  // the sum, in millionths of a share

  friend bool operator==(const SideCount&, const SideCount&) = default;
};

struct WalletCount {
  SideCount buys;
  SideCount sells;
  std::int64_t requests = 0;

  bool SameTrades(const WalletCount& other) const {
    return buys == other.buys && sells == other.sells;
  }
};

// Adds a page of /v2/trades to `count`. Returns the next page's cursor, empty after the last one.
common::Result<std::string> AddPage(const std::string& body, WalletCount& count);

// All fills of the wallet up to and including `end`, makers' and dust included. Waits as long as a
// 429 or 503 asks, a few times.
common::Result<WalletCount> CountUpstream(const std::string& data_url, const std::string& wallet,
                                          std::int64_t end);

}  // namespace cli
