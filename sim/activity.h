// What wallets do beside trading, and what they hold in the end.
//
// Fills alone would let wallets sell what they do not have. So a wallet splits collateral before it
// sells too much, merges pairs now and then, converts the "No" of a group, redeems what a resolved
// market pays, and is given rewards. All of it follows from the seed and the fills before it, so a
// world that grows keeps its past. A recorded world has its fills and nothing else.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/world.h"

namespace sim {

enum class ActivityType : std::uint8_t {
  kTrade,
  kSplit,
  kMerge,
  kRedeem,
  kReward,
  kConversion,
  kMigration,
  kMakerRebate,
  kTakerRebate,
  kReferralReward,
  kYield,
  kDeposit,
  kWithdrawal,
  kTip,
};
inline constexpr std::size_t kActivityTypes = 14;

const char* ToString(ActivityType type);  // "TRADE"
std::optional<ActivityType> ParseActivityType(std::string_view text);

inline constexpr std::uint32_t kNoMarket = std::numeric_limits<std::uint32_t>::max();

// Everything but a trade. Amounts in millionths.
struct ActivityRow {
  std::uint32_t ts = 0;
  ActivityType type = ActivityType::kSplit;
  std::uint32_t market = kNoMarket;
  std::int64_t size = 0;
  std::int64_t usdc = 0;
  std::uint64_t key = 0;  // names the transaction, and the place within its block

  std::int64_t Sequence() const;
};
Hash32 TxHashOf(const World& world, const ActivityRow& row);

// The place of a fill in the feeds: the block, then the place within it.
inline constexpr std::int64_t kSequencePerBlock = 10'000'000'000;
std::int64_t SequenceOf(const World& world, FillNumber number);

// What one wallet has of one token. Amounts in millionths.
struct Holding {
  std::int64_t size = 0;      // now
  std::int64_t bought = 0;    // shares of all BUY fills
  std::int64_t acquired = 0;  // by fills, splits and conversions
  std::int64_t cost = 0;      // of what was acquired, without fees
  std::int64_t gone = 0;      // sold, merged, converted, redeemed
  std::int64_t received = 0;  // for what is gone
  std::int64_t fees = 0;      // paid on top of BUY fills
  std::uint32_t first_at = 0;
  std::uint32_t last_at = 0;
};

// The doings of one wallet in one market, or in a group of markets that are converted into each
// other. Its fills have to be told in their order.
class Account {
 public:
  // Rows are appended to `rows`; where it is null they are left out.
  Account(const World& world, std::uint32_t wallet, std::vector<ActivityRow>* rows)
      : world_(world), wallet_(wallet), rows_(rows) {}

  void Take(FillNumber number);
  // After the last fill: redeems what is left in resolved markets.
  void Finish();

  const std::map<std::uint32_t, Holding>& holdings() const { return holdings_; }  // by token

 private:
  Holding& Of(std::uint32_t token, std::uint32_t ts);
  void Buy(const Fill& fill);
  void Sell(const Fill& fill, std::uint64_t draw);
  void Merge(const Market& market, const Fill& fill, std::uint64_t draw);
  void Convert(const Market& market, const Fill& fill, std::uint64_t draw);
  void Redeem(std::uint32_t number);
  void Add(std::uint32_t ts, ActivityType type, std::uint32_t market, std::int64_t size,
           std::int64_t usdc, std::uint64_t key);

  const World& world_;
  const std::uint32_t wallet_;
  std::vector<ActivityRow>* rows_;
  std::map<std::uint32_t, Holding> holdings_;
};

// The market or, for groups, the event whose fills make one account.
struct AccountKey {
  bool is_group = false;
  std::uint32_t number = 0;
  friend auto operator<=>(const AccountKey&, const AccountKey&) = default;
};
AccountKey AccountOf(const World& world, std::uint32_t market);
std::vector<std::uint32_t> MarketsOf(const World& world, const AccountKey& key);

// The rows that belong to no market: what a fill brings its wallet beside the trade.
void AppendExtras(const World& world, FillNumber number, bool is_first,
                  std::vector<ActivityRow>& rows);

}  // namespace sim
