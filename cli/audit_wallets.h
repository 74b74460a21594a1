// Wallets audited: what is stored of one, beside what the Data API tells of it, as trades and as
// bought totals of its positions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/recount.h"
#include "common/error.h"
#include "common/postgres.h"

namespace cli {

struct BoughtDifference {
  std::string token;
  std::int64_t ours = 0;
  std::int64_t theirs = 0;
};

struct WalletFinding {
  std::string wallet;
  std::int64_t complete_to = 0;
  WalletCount ours;
  WalletCount theirs;
  std::vector<BoughtDifference> bought;  // where positions say something else
  std::string trouble;                   // why it could not be compared

  bool is_good() const { return trouble.empty() && bought.empty() && ours.SameTrades(theirs); }
};

// Completed wallets, by chance.
common::Result<std::vector<std::string>> SampleWallets(common::PgConnection& connection, int most);

// `wallet` is lower-case 0x text.
WalletFinding CompareWallet(common::PgConnection& connection, const std::string& data_url,
                            const std::string& wallet);

}  // namespace cli
