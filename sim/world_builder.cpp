#include "sim/world_builder.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "common/check.h"
#include "sim/blocks.h"
#include "sim/contracts.h"
#include "sim/market_builder.h"
#include "sim/recorded.h"

namespace sim {
namespace {

constexpr std::uint64_t kPlanStream = 11;
constexpr std::uint64_t kAddressStream = 12;
constexpr std::uint64_t kLiveStream = 13;
constexpr std::uint8_t kMostInOneTransaction = 49;

constexpr std::array<const char*, 9> kContractAddresses = {
    kExchanges[0],
    kExchanges[1],
    kExchanges[2],
    kExchanges[3],
    kExchanges[4],
    kConditionalTokens,
    kNegRiskAdapter,
    "0x2791bca1f2de4661ed88a30c99a7a9449aa84174",  // USDC.e
    "0xc011a7e12a19f7b1f670d46f03b03f3342e82dfb",  // pUSD
};

common::WalletAddress MadeAddress(std::uint64_t seed, std::uint64_t number) {
  const Hash32 hash = MadeHash(seed, kAddressStream, number);
  common::WalletAddress address;
  std::copy_n(hash.begin(), address.bytes.size(), address.bytes.begin());
  return address;
}

// Decides which matches there are; what they hold follows from AppendMatch.
class Planner {
 public:
  explicit Planner(const WorldOptions& options)
      : options_(options), random_(Mix(options.seed, kPlanStream)) {}

  std::vector<MatchPlan> Plan() {
    PlanWhale();
    PlanBursts();
    PlanEdges();
    while (fills_ < options_.fills) PlanOrdinary(RandomInstant());
    std::stable_sort(plans_.begin(), plans_.end(),
                     [](const MatchPlan& a, const MatchPlan& b) { return a.ts < b.ts; });
    for (std::size_t i = 0; i < plans_.size(); ++i) plans_[i].tx = static_cast<std::uint32_t>(i);
    return std::move(plans_);
  }

 private:
  std::uint64_t Left() const { return fills_ < options_.fills ? options_.fills - fills_ : 0; }

  std::uint32_t RandomInstant() {
    const bool archive = random_.Chance(65, 100);
    return Second(archive ? RandomInstantBefore()
                          : random_.Between(common::kV1Cutover + 1, kWorldEnd));
  }

  // Fills have the timestamps of their blocks.
  static std::uint32_t Second(common::UnixSeconds instant) {
    return static_cast<std::uint32_t>(OnBlock(instant));
  }

  void Add(const MatchPlan& plan) {
    fills_ += plan.kind == MatchKind::kDirect ? 1U : plan.makers + 1U;
    plans_.push_back(plan);
  }

  MatchKind PickKind() {
    const std::uint64_t draw = random_.Below(100);
    if (draw < 2) return MatchKind::kDirect;
    if (draw < 22) return MatchKind::kMint;
    return draw < 34 ? MatchKind::kMerge : MatchKind::kComplementary;
  }

  void PlanOrdinary(std::uint32_t ts) {
    MatchPlan plan;
    plan.ts = ts;
    plan.kind = PickKind();
    while (plan.makers < 12 && random_.Chance(2, 5)) ++plan.makers;
    if (random_.Chance(1, 40)) {
      plan.equal_rows = true;
      plan.makers = static_cast<std::uint8_t>(random_.Between(2, 5));
    }
    plan.dust = random_.Chance(1, 150);
    Trim(plan);
    Add(plan);
  }

  // Keeps the number of fills exact: the last match is cut to what is left.
  void Trim(MatchPlan& plan) const {
    if (Left() == 1) plan.kind = MatchKind::kDirect;
    if (plan.kind == MatchKind::kDirect) {
      plan.makers = 1;
      plan.equal_rows = false;
      return;
    }
    const std::uint64_t most = Left() > 1 ? Left() - 1 : 1;
    plan.makers = static_cast<std::uint8_t>(std::min<std::uint64_t>(plan.makers, most));
  }

  // Wallet 0 gets exactly as many fills as asked for, as maker and as taker. The total grows if
  // they and their counterparts are more than the fills asked for.
  void PlanWhale() {
    for (std::uint64_t left = options_.whale_fills; left > 0;) {
      MatchPlan plan;
      plan.ts = RandomInstant();
      plan.kind = PickKind();
      if (plan.kind == MatchKind::kDirect || !random_.Chance(1, 4)) {
        plan.maker = 0;
        plan.taker = static_cast<std::int32_t>(OtherThanWhale());
        const auto most = std::min<std::uint64_t>(left, 6);
        plan.makers = plan.kind == MatchKind::kDirect
                          ? std::uint8_t{1}
                          : static_cast<std::uint8_t>(random_.Below(most) + 1);
        left -= plan.makers;
      } else {
        plan.taker = 0;
        plan.maker = static_cast<std::int32_t>(OtherThanWhale());
        --left;
      }
      Add(plan);
    }
  }

  std::uint64_t OtherThanWhale() {
    return options_.wallets > 1 ? 1 + random_.Below(options_.wallets - 1) : 0;
  }

  // One second that holds more fills of one wallet than a page, in each era.
  void PlanBursts() {
    const std::int32_t wallet = options_.wallets > 1 ? 1 : 0;
    if (options_.whale_fills > 0 && wallet == 0) return;
    if (options_.fills >= 20'000) {
      PlanBurst(wallet, 2500, RandomInstantBefore());
    } else if (options_.fills >= 5000) {
      PlanBurst(wallet, 1200, RandomInstantBefore());
    }
    if (options_.fills >= 50'000) PlanBurst(wallet, 1500, common::kV1Cutover + 5'000'000);
  }

  common::UnixSeconds RandomInstantBefore() {
    return random_.Between(kWorldStart + 3, common::kV1Cutover);
  }

  void PlanBurst(std::int32_t wallet, std::uint32_t size, common::UnixSeconds second) {
    for (std::uint32_t left = size; left > 0;) {
      MatchPlan plan;
      plan.ts = Second(second);
      plan.maker = wallet;
      plan.makers = static_cast<std::uint8_t>(std::min<std::uint32_t>(left, kMostInOneTransaction));
      plan.kind = random_.Chance(1, 2) ? MatchKind::kMint : MatchKind::kComplementary;
      plan.equal_rows = random_.Chance(1, 8);
      left -= plan.makers;
      Add(plan);
    }
  }

  // The last second of V1, the first of V2, and the newest hour.
  void PlanEdges() {
    const std::uint64_t count = std::min<std::uint64_t>(40, options_.fills / 100);
    for (std::uint64_t i = 0; i < count && Left() > 0; ++i) {
      PlanOrdinary(Second(common::kV1Cutover));
      if (Left() > 0) PlanOrdinary(Second(common::kV1Cutover + 1));
      if (Left() > 0) PlanOrdinary(Second(random_.Between(kWorldEnd - 3600, kWorldEnd)));
    }
  }

  const WorldOptions& options_;
  Random random_;
  std::vector<MatchPlan> plans_;
  std::uint64_t fills_ = 0;
};

Contracts ContractsFrom(std::uint32_t first) {
  return {first, first + 1, first + 2, first + 3,
          first + static_cast<std::uint32_t>(kContractAddresses.size())};
}

std::uint32_t MarketsFor(const WorldOptions& options) {
  if (options.markets > 0) return options.markets;
  const std::uint64_t wanted = 24 + options.wallets / 10 + options.fills / 2000;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, 20'000));
}

}  // namespace

Contracts AddContracts(std::uint64_t seed, std::vector<Wallet>& wallets) {
  const auto first = static_cast<std::uint32_t>(wallets.size());
  for (const char* text : kContractAddresses) {
    const auto address = common::WalletAddress::Parse(text);
    CHECK(address.has_value());
    wallets.push_back({*address, WalletKind::kContract});
  }
  wallets.push_back({MadeAddress(seed, ~std::uint64_t{0}), WalletKind::kOperator});
  return ContractsFrom(first);
}

std::unique_ptr<World> BuildWorld(const WorldOptions& options) {
  if (!options.recorded.empty()) {
    auto recorded = LoadRecorded(options.recorded);
    if (!recorded) throw std::runtime_error("--recorded: " + recorded.error().message);
    return std::make_unique<World>(std::move(*recorded));
  }
  WorldParts parts;
  parts.seed = options.seed;
  for (std::uint32_t i = 0; i < options.wallets; ++i) {
    parts.wallets.push_back({MadeAddress(options.seed, i), WalletKind::kUser});
  }
  const Contracts contracts = AddContracts(options.seed, parts.wallets);
  BuildMarkets(options.seed, MarketsFor(options), options.positions_each, parts);
  const WalletSampler wallets(options.wallets, options.whale_fills > 0);
  const MarketSampler markets(parts.markets);
  const MatchSetting setting{options.seed, parts.markets, wallets, markets, contracts};
  parts.fills.reserve(options.fills + options.whale_fills / 2 + 64);
  for (const MatchPlan& plan : Planner(options).Plan()) AppendMatch(setting, plan, parts.fills);
  return std::make_unique<World>(std::move(parts));
}

LiveFeed::LiveFeed(World& world, double fills_per_second)
    : world_(world),
      fills_per_ms_(fills_per_second / 1000),
      wallets_(std::max<std::uint32_t>(
                   1, static_cast<std::uint32_t>(std::count_if(
                          world.wallets().begin(), world.wallets().end(),
                          [](const Wallet& wallet) { return wallet.kind == WalletKind::kUser; }))),
               false),
      markets_(world.markets()),
      random_(Mix(world.seed(), kLiveStream)),
      next_tx_(world.fills().empty() ? 0 : world.fills().back().tx + 1) {
  // The contracts stand in one row behind the users of the first day.
  std::uint32_t first = 0;
  while (world.wallets()[first].kind == WalletKind::kUser) ++first;
  contracts_ = ContractsFrom(first);
}

void LiveFeed::Grow(std::int64_t now_ms) {
  if (last_ms_ != 0) due_ += fills_per_ms_ * static_cast<double>(now_ms - last_ms_);
  last_ms_ = now_ms;
  const auto ts = static_cast<std::uint32_t>(std::max(OnBlock(now_ms / 1000), world_.newest()));
  while (due_ >= 1) AppendOne(ts);
}

void LiveFeed::AppendOne(std::uint32_t ts) {
  MatchPlan plan;
  plan.ts = ts;
  plan.tx = next_tx_++;
  plan.kind = static_cast<MatchKind>(random_.Below(3));
  plan.makers = static_cast<std::uint8_t>(random_.Between(1, 3));
  if (random_.Chance(1, 10)) {
    const std::uint64_t number = (1ULL << 40) + world_.wallets().size();
    plan.taker = static_cast<std::int32_t>(world_.AddWallet(MadeAddress(world_.seed(), number)));
  }
  const MatchSetting setting{world_.seed(), world_.markets(), wallets_, markets_, contracts_};
  std::vector<Fill> fills;
  AppendMatch(setting, plan, fills);
  due_ -= static_cast<double>(fills.size());
  world_.Append(fills);
}

}  // namespace sim
