// What a worker is given to do: a lease on a chunk of wallets.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/trade.h"

namespace worker {

// A chunk under its fencing number. Both together name one grant, for ever.
struct Lease {
  common::ChunkId chunk;
  common::Epoch epoch;

  friend auto operator<=>(const Lease&, const Lease&) = default;
};

struct WalletTask {
  common::WalletId id;
  common::WalletAddress address;
  std::vector<common::Cursor> cursors;  // as the database has them
};

struct ChunkTask {
  Lease lease;
  common::RunId run;
  std::string source;  // "auto", or a source's name
  std::vector<WalletTask> wallets;
};

struct WalletOutcome {
  // kFailed may be tried again; kRejected never as it is.
  enum class Kind : std::uint8_t { kComplete, kFailed, kRejected };

  common::WalletId wallet;
  Kind kind = Kind::kComplete;
  std::string reason;
};

}  // namespace worker
