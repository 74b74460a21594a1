// The Data API's /activity of one wallet, newest first: all that changes its holdings but trades,
// which /trades tells better.
//
// The walk is that of /trades: down to the first second, then the head once more; see data_api.cpp.
// Rows have no identity, so equal ones of a transaction are told apart by their ordinal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/trade.h"
#include "worker/http.h"
#include "worker/sources/trade_source.h"

namespace worker::sources {

enum class ActivityKind : std::uint8_t {
  kSplit = 1,
  kMerge = 2,
  kRedeem = 3,
  kReward = 4,
  kConversion = 5,
  kMigration = 6,
  kMakerRebate = 7,
  kTakerRebate = 8,
  kReferralReward = 9,
  kYield = 10,
  kDeposit = 11,
  kWithdrawal = 12,
  kTip = 13,
};

// As the upstream writes it: "SPLIT", "MERGE", ...
const char* ToString(ActivityKind kind);
std::optional<ActivityKind> ParseActivityKind(std::string_view text);

// Amounts in millionths. A REDEEM may name no token: it is of the whole condition.
struct Activity {
  common::UnixSeconds ts = 0;
  common::TxHash tx;           // zero where the upstream names none
  std::int64_t event_key = 0;  // tells the rows of a transaction apart, its kind included
  ActivityKind kind = ActivityKind::kSplit;
  std::optional<common::ConditionId> condition;
  std::optional<common::TokenId> token;
  std::int64_t size = 0;  // shares
  std::int64_t usdc = 0;

  friend bool operator==(const Activity&, const Activity&) = default;
};

struct ActivityPage {
  std::vector<Activity> rows;
  std::vector<TokenHint> hints;      // each token of the page once
  std::vector<std::string> refused;  // rows of no known kind, without an amount, of no such token
  common::Cursor next;               // to be stored in one transaction with the rows
  bool last = false;                 // the walk is over: next.complete_to is proven
  std::string shortfall;             // with `last`: why not up to the horizon
};

// `cursor` is the activity's own: source kDataApi, owned_from 1.
HttpRequest ActivityRequest(const std::string& data_url, const common::WalletAddress& wallet,
                            const common::Cursor& cursor);

// As TradeSource::ParsePage: the horizon is DataApi's, known before the page was asked for.
common::Result<ActivityPage> ParseActivityPage(const common::WalletAddress& wallet,
                                               const common::Cursor& cursor,
                                               common::UnixSeconds horizon, std::string_view body);

}  // namespace worker::sources
