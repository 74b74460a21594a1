// The body of POST /api/admin/ingest.
#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "coordinator/run_wish.h"

namespace coordinator {

inline constexpr std::size_t kMostWalletsAtOnce = 50'000;  // in a request

struct IngestOrder {
  RunWish wish;
  bool is_dry = false;
  std::vector<common::WalletAddress> wallets;  // of a dry run, in place of a selection
};

// kRejected with one clear line where it cannot be meant so.
common::Result<IngestOrder> ParseIngest(const std::string& text);

// Letters, digits, - and _, at most 64.
bool IsSelection(const std::string& text);

// The endpoint that bounds such a run: "data_trades", "gamma_markets", ...
std::string EndpointOf(const RunWish& wish);

}  // namespace coordinator
