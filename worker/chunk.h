// What a worker is given to do: a lease on a chunk of wallets, or of units.
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
  bool has_trades = false;              // some are stored
};

// A unit of work that is no wallet: a row of the table work_unit. Its id goes where a wallet's id
// would go.
struct UnitTask {
  common::WalletId id;
  std::string task;      // what to do, in the words of the chunk's kind
  std::string position;  // of its walk, as the database has it; readable by the walk alone
  common::UnixSeconds complete_to = 0;  // what it has proven
};

struct ChunkTask {
  Lease lease;
  common::RunId run;
  std::string source;                    // "auto", or a source's name
  std::vector<WalletTask> wallets = {};  // of a chunk of kind "trades"
  std::string kind = "trades";
  std::vector<UnitTask> units = {};  // of a chunk of any other kind
  bool urgent = false;               // its last holder died: it goes before what the worker has
};

struct WalletOutcome {
  // kFailed may be tried again, kSuspect as well but alone, kRejected never as it is.
  enum class Kind : std::uint8_t { kComplete, kFailed, kSuspect, kRejected };

  common::WalletId wallet;
  Kind kind = Kind::kComplete;
  std::string reason;
};

}  // namespace worker
