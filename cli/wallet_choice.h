// The wallets that the user named: as arguments, in a file, or by a query.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "cli/state_dir.h"
#include "cli/wallet_list.h"

namespace cli {

// True if the user named wallets in any way.
bool NamesWallets(const Options& options);

// Reads arguments and --wallets into `list`; false after every complaint was printed: a file that
// holds no address is one, for to a run no wallets are all wallets.
bool ReadWallets(const Options& options, WalletList& list);

// Adds what --wallets-query returns: its first column, one address a row, read only. Nothing, or
// the exit code after every complaint was printed.
std::optional<int> QueryWallets(const Options& options, const StateDir& state, WalletList& list);

// Who found them: list, file or query.
std::string DiscoveredBy(const Options& options);

}  // namespace cli
