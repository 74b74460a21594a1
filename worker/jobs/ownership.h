// Who owns which of a wallet's rows, where more than one source could tell them.
//
// For one (wallet, period) exactly one source owns the rows. A source goes on from its own cursor;
// it takes over where another one's proof ends: the archive's, or that of ranges which went on from
// where it stood. The subgraph may fill in only what lies before the others' first second.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/trade.h"

namespace worker::jobs {

// "auto" is the Data API. Nothing for a name that is not a source's.
std::optional<common::Source> SourceFor(std::string_view requested);

struct WalkStart {
  common::Cursor cursor;
  // The walk may own rows up to this second only.
  std::optional<common::UnixSeconds> last_second;
  bool takes_over = false;     // as store::WalletProgress::takes_over, for the first batch
  bool nothing_to_do = false;  // another source owns all of it, and has told it
  std::string refusal;         // another source owns all of it, and is not done; empty: no
};

// `has_trades`: rows of the wallet are stored, whoever told them.
WalkStart BeginWalk(common::Source source, const std::vector<common::Cursor>& stored,
                    bool has_trades = false);

}  // namespace worker::jobs
