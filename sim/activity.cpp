#include "sim/activity.h"

#include <algorithm>
#include <array>

#include "sim/amounts.h"
#include "sim/blocks.h"
#include "sim/market_builder.h"
#include "sim/prices.h"
#include "sim/random.h"

namespace sim {
namespace {

constexpr std::array<const char*, kActivityTypes> kActivityNames = {
    "TRADE",      "SPLIT",     "MERGE",        "REDEEM",       "REWARD",
    "CONVERSION", "MIGRATION", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD",
    "YIELD",      "DEPOSIT",   "WITHDRAWAL",   "TIP"};

constexpr std::uint64_t kDoingStream = 61;
constexpr std::uint64_t kExtraStream = 62;
constexpr std::uint64_t kActivityTx = 63;
constexpr std::int64_t kFirstOfActivity = 5'000'000'000;  // behind the fills of the block
constexpr std::size_t kMostInConversion = 16;

void TakeAway(Holding& holding, std::int64_t size, std::int64_t received) {
  holding.size -= size;
  holding.gone += size;
  holding.received += received;
}

void Give(Holding& holding, std::int64_t size, std::int64_t cost) {
  holding.size += size;
  holding.acquired += size;
  holding.cost += cost;
}

}  // namespace

const char* ToString(ActivityType type) {
  return kActivityNames[static_cast<std::size_t>(type)];
}

std::optional<ActivityType> ParseActivityType(std::string_view text) {
  const auto found = std::find(kActivityNames.begin(), kActivityNames.end(), text);
  if (found == kActivityNames.end()) return std::nullopt;
  return static_cast<ActivityType>(found - kActivityNames.begin());
}

std::int64_t ActivityRow::Sequence() const {
  constexpr std::uint64_t kRoom = 4'900'000'000;
  return BlockAt(ts) * kSequencePerBlock + kFirstOfActivity +
         static_cast<std::int64_t>(key % kRoom);
}

Hash32 TxHashOf(const World& world, const ActivityRow& row) {
  return MadeHash(world.seed(), kActivityTx, row.key);
}

std::int64_t SequenceOf(const World& world, FillNumber number) {
  return BlockAt(world.fills()[number].ts) * kSequencePerBlock + number;
}

AccountKey AccountOf(const World& world, std::uint32_t market) {
  if (!world.markets()[market].neg_risk) return {false, market};
  return {true, world.markets()[market].event};
}

std::vector<std::uint32_t> MarketsOf(const World& world, const AccountKey& key) {
  if (!key.is_group) return {key.number};
  return world.events()[key.number].markets;
}

Holding& Account::Of(std::uint32_t token, std::uint32_t ts) {
  Holding& holding = holdings_[token];
  if (holding.first_at == 0) holding.first_at = ts;
  holding.last_at = std::max(holding.last_at, ts);
  return holding;
}

void Account::Add(std::uint32_t ts, ActivityType type, std::uint32_t market, std::int64_t size,
                  std::int64_t usdc, std::uint64_t key) {
  if (rows_ == nullptr) return;
  rows_->push_back({ts, type, market, size, usdc, Mix(key, static_cast<std::uint64_t>(type))});
}

void Account::Take(FillNumber number) {
  const Fill& fill = world_.fills()[number];
  const std::uint64_t draw = Mix(Mix(world_.seed(), kDoingStream), number);
  const Market& market = world_.markets()[world_.tokens()[fill.token].market];
  if (fill.side == common::Side::kSell) return Sell(fill, draw);
  Buy(fill);
  if (world_.recorded() || market.tokens.size() != 2) return;
  if (draw % 4 == 0) Merge(market, fill, draw);
  if (draw % 8 == 1) Convert(market, fill, draw);
}

// The V1 fee of a BUY is taken from its shares; the V2 fee is paid on top.
void Account::Buy(const Fill& fill) {
  Holding& holding = Of(fill.token, fill.ts);
  Give(holding, fill.size - (IsV2(fill) ? 0 : fill.fee), fill.usdc);
  holding.bought += fill.size;
  if (IsV2(fill)) holding.fees += fill.fee;
}

// What is missing comes from a split, mostly of more than is missing.
void Account::Sell(const Fill& fill, std::uint64_t draw) {
  const std::uint32_t number = world_.tokens()[fill.token].market;
  const Market& market = world_.markets()[number];
  const std::int64_t missing = fill.size - Of(fill.token, fill.ts).size;
  if (missing > 0 && !world_.recorded()) {
    const auto times = static_cast<std::int64_t>(1 + (draw >> 8) % 4);
    const std::int64_t amount = (missing * times + kWhole - 1) / kWhole * kWhole;
    for (const std::uint32_t token : market.tokens) {
      Give(Of(token, fill.ts), amount, amount / static_cast<std::int64_t>(market.tokens.size()));
    }
    Add(fill.ts, ActivityType::kSplit, number, amount, amount, draw);
  }
  Holding& holding = Of(fill.token, fill.ts);
  TakeAway(holding, fill.size, fill.usdc - fill.fee);
  holding.size = std::max<std::int64_t>(0, holding.size);  // of recorded fills some are missing
}

void Account::Merge(const Market& market, const Fill& fill, std::uint64_t draw) {
  Holding& first = Of(market.tokens[0], fill.ts);
  Holding& second = Of(market.tokens[1], fill.ts);
  const std::int64_t amount = std::min(first.size, second.size) / ((draw >> 8) % 2 == 0 ? 1 : 2);
  if (amount < kWhole) return;
  TakeAway(first, amount, amount / 2);
  TakeAway(second, amount, amount - amount / 2);
  Add(fill.ts, ActivityType::kMerge, world_.tokens()[fill.token].market, amount, amount, draw);
}

// The "No" of one market becomes the "Yes" of all others of its group, at the same cost.
void Account::Convert(const Market& market, const Fill& fill, std::uint64_t draw) {
  const Token& token = world_.tokens()[fill.token];
  const Event& event = world_.events()[market.event];
  const std::size_t count = event.markets.size();
  const bool can = market.neg_risk && token.outcome == 1 && count >= 3 &&
                   count <= kMostInConversion && fill.ts < event.ends;
  if (!can) return;
  Holding& holding = Of(fill.token, fill.ts);
  const std::int64_t amount = std::min(holding.size, fill.size);
  if (amount < kWhole) return;
  const std::int64_t cost = Portion(amount, holding.cost, holding.acquired);
  TakeAway(holding, amount, cost);
  for (const std::uint32_t other : event.markets) {
    if (other == token.market) continue;
    Give(Of(world_.markets()[other].tokens[0], fill.ts), amount,
         cost / static_cast<std::int64_t>(count - 1));
  }
  Add(fill.ts, ActivityType::kConversion, token.market, amount, 0, draw);
}

void Account::Finish() {
  if (world_.recorded()) return;
  std::vector<std::uint32_t> numbers;
  for (const auto& [token, holding] : holdings_) {
    const std::uint32_t market = world_.tokens()[token].market;
    if (holding.size > 0 && (numbers.empty() || numbers.back() != market)) {
      numbers.push_back(market);
    }
  }
  for (const std::uint32_t number : numbers) Redeem(number);
}

// Most winners fetch their money within hours; some never do. Few come for nothing.
void Account::Redeem(std::uint32_t number) {
  const Market& market = world_.markets()[number];
  const auto payouts = PayoutsOf(market);
  if (payouts.empty()) return;
  std::int64_t payout = 0;
  for (std::size_t i = 0; i < market.tokens.size(); ++i) {
    const auto held = holdings_.find(market.tokens[i]);
    if (held != holdings_.end()) payout += Portion(held->second.size, payouts[i], kWhole);
  }
  const std::uint64_t draw =
      Mix(Mix(world_.seed(), kDoingStream + wallet_), ~std::uint64_t{number});
  if (draw % 4 < (payout > 0 ? 1U : 3U)) return;
  // Nothing is told before it happened: who sees a market close redeems at once.
  const bool is_past = market.closed_at <= kWorldEnd;
  const auto delay = is_past ? static_cast<std::int64_t>((draw >> 8) % 7200) + 3 : std::int64_t{0};
  const auto ts = static_cast<std::uint32_t>(OnBlock(market.closed_at + delay));
  for (std::size_t i = 0; i < market.tokens.size(); ++i) {
    const auto held = holdings_.find(market.tokens[i]);
    if (held == holdings_.end() || held->second.size == 0) continue;
    Holding& holding = held->second;
    TakeAway(holding, holding.size, Portion(holding.size, payouts[i], kWhole));
    holding.last_at = std::max(holding.last_at, ts);
  }
  Add(ts, ActivityType::kRedeem, number, payout, payout, draw);
}

void AppendExtras(const World& world, FillNumber number, bool is_first,
                  std::vector<ActivityRow>& rows) {
  if (world.recorded()) return;
  const Fill& fill = world.fills()[number];
  Random random(Mix(Mix(world.seed(), kExtraStream), number));
  const auto add = [&](ActivityType type, std::int64_t usdc) {
    rows.push_back({fill.ts, type, kNoMarket, usdc, usdc, random.Next()});
  };
  if (is_first) add(ActivityType::kDeposit, random.Between(10, 50'000) * kWhole);
  if (!random.Chance(1, 12)) return;
  constexpr std::array<ActivityType, 9> kTypes = {
      ActivityType::kReward,         ActivityType::kMakerRebate, ActivityType::kTakerRebate,
      ActivityType::kReferralReward, ActivityType::kYield,       ActivityType::kDeposit,
      ActivityType::kWithdrawal,     ActivityType::kTip,         ActivityType::kMigration};
  const ActivityType type = kTypes[random.Below(kTypes.size())];
  // Collateral is migrated in the second era alone.
  if (type == ActivityType::kMigration && !IsV2(fill)) return;
  add(type, random.Between(1, 900'000'000));
}

}  // namespace sim
