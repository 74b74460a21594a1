#include "sim/match.h"

#include <algorithm>

#include "common/check.h"
#include "sim/amounts.h"

namespace sim {
namespace {

using common::ExchangeVersion;
using common::Role;
using common::Side;

constexpr std::uint64_t kMatchStream = 3;
constexpr std::uint64_t kUniqueOrder = 4;
constexpr std::uint64_t kStandingOrder = 5;
// Orders of the seeded world have high numbers, so that they never meet recorded ones.
constexpr std::uint64_t kMadeOrder = 1ULL << 63;
constexpr std::int64_t kDustLimit = 10'000;  // the Data API hides fills below 0.01 shares

Side Opposite(Side side) {
  return side == Side::kBuy ? Side::kSell : Side::kBuy;
}

struct Amounts {
  std::int64_t size = 0;
  std::int64_t usdc = 0;
};

// Most sizes are round and give exact amounts at a tick price; the others are off by rounding, as
// partial fills are. Neither shares nor USDC is ever 0.
Amounts MakeAmounts(Random& random, std::int64_t price_permille, bool dust) {
  Amounts amounts;
  if (dust) {
    amounts.size = random.Between(2, kDustLimit - 1);
  } else if (random.Chance(7, 10)) {
    std::int64_t reach = 1000;
    for (auto i = random.Below(4); i > 0; --i) reach *= 10;
    amounts.size = random.Between(100, reach) * 10'000;
  } else {
    std::int64_t reach = 10'000'000;
    for (auto i = random.Below(4); i > 0; --i) reach *= 10;
    amounts.size = random.Between(1'000'000, reach);
  }
  amounts.usdc = UsdcAt(amounts.size, price_permille);
  if (random.Chance(1, 10)) amounts.usdc += random.Between(-1, 1);
  amounts.usdc = std::clamp<std::int64_t>(amounts.usdc, 1, amounts.size - 1);
  return amounts;
}

// What AppendMatch knows about the match as a whole.
class Match {
 public:
  Match(const MatchSetting& setting, const MatchPlan& plan, std::vector<Fill>& fills)
      : setting_(setting),
        plan_(plan),
        fills_(fills),
        random_(Mix(Mix(setting.seed, kMatchStream), plan.tx)) {}

  void Append() {
    ChooseMarket();
    ChooseWallets();
    const std::size_t count = plan_.kind == MatchKind::kDirect ? 1 : plan_.makers;
    Amounts same{};
    for (std::size_t i = 0; i < count; ++i) AppendMaker(i, same);
    if (plan_.kind != MatchKind::kDirect) AppendTaker();
  }

 private:
  void ChooseMarket() {
    const auto market = setting_.market_sampler.Pick(random_, plan_.ts);
    market_ = &setting_.markets[market];
    version_ = static_cast<common::UnixSeconds>(plan_.ts) <= common::kV1Cutover
                   ? ExchangeVersion::kV1
                   : ExchangeVersion::kV2;
    const auto outcome = static_cast<std::size_t>(random_.Below(2));
    taker_token_ = market_->tokens[outcome];
    const bool same_token =
        plan_.kind == MatchKind::kComplementary || plan_.kind == MatchKind::kDirect;
    maker_token_ = same_token ? taker_token_ : market_->tokens[1 - outcome];
    const bool half_tick = random_.Chance(1, 4);
    price_ = half_tick ? random_.Between(1, 999) : random_.Between(1, 99) * 10;
  }

  void ChooseWallets() {
    taker_ =
        plan_.taker >= 0 ? static_cast<std::uint32_t>(plan_.taker) : setting_.wallets.Pick(random_);
    const bool buys = random_.Chance(1, 2);
    taker_side_ = plan_.kind == MatchKind::kMint || (buys && plan_.kind != MatchKind::kMerge)
                      ? Side::kBuy
                      : Side::kSell;
    first_maker_ = PickMaker();
    const bool free = plan_.maker < 0 && plan_.taker < 0;
    if (free && random_.Chance(1, 100)) first_maker_ = taker_;  // a self-trade
  }

  std::uint32_t PickMaker() {
    return plan_.maker >= 0 ? static_cast<std::uint32_t>(plan_.maker)
                            : setting_.wallets.Pick(random_);
  }

  Fill Blank() const {
    Fill fill;
    fill.ts = plan_.ts;
    fill.tx = plan_.tx;
    fill.version = version_;
    return fill;
  }

  void AppendMaker(std::size_t number, Amounts& same) {
    Fill fill = Blank();
    const bool repeat = plan_.equal_rows && number > 0;
    fill.wallet = number == 0 || plan_.equal_rows ? first_maker_ : PickMaker();
    fill.token = maker_token_;
    const bool mirrored = plan_.kind == MatchKind::kMint || plan_.kind == MatchKind::kMerge;
    fill.side = mirrored ? taker_side_ : Opposite(taker_side_);
    const std::int64_t better = number == 0 ? 0 : random_.Between(-2, 2);
    const Amounts amounts =
        repeat
            ? same
            : MakeAmounts(random_, std::clamp<std::int64_t>(price_ + better, 1, 999), plan_.dust);
    same = amounts;
    fill.size = amounts.size;
    fill.usdc = amounts.usdc;
    fill.role = Role::kMaker;
    fill.taker = plan_.kind == MatchKind::kDirect ? setting_.contracts.operator_wallet : taker_;
    fill.order = OrderOf(fill, number);
    if (version_ == ExchangeVersion::kV1 && random_.Chance(1, 50)) fill.fee = FeeV1(fill);
    Sum(fill, mirrored);
    fills_.push_back(fill);
  }

  void Sum(const Fill& maker, bool mirrored) {
    total_.size += maker.size;
    total_.usdc += mirrored ? maker.size - maker.usdc : maker.usdc;
  }

  void AppendTaker() {
    Fill fill = Blank();
    fill.wallet = taker_;
    fill.token = taker_token_;
    fill.side = taker_side_;
    fill.size = total_.size;
    fill.usdc = total_.usdc;
    fill.role = Role::kTaker;
    fill.taker = Exchange();
    fill.order = UniqueOrder(plan_.makers);
    if (version_ == ExchangeVersion::kV2) {
      fill.fee = FeeV2(fill.size, fill.usdc, market_->fee_permille);
    } else if (market_->fee_permille == 50) {
      fill.fee = FeeV1(fill);
    }
    fills_.push_back(fill);
  }

  std::uint32_t Exchange() const {
    if (version_ == ExchangeVersion::kV1) {
      return market_->neg_risk ? setting_.contracts.v1_neg_risk : setting_.contracts.v1_exchange;
    }
    return market_->neg_risk ? setting_.contracts.v2_neg_risk : setting_.contracts.v2_exchange;
  }

  // In units of what the order receives: shares on a BUY, USDC on a SELL.
  static std::int64_t FeeV1(const Fill& fill) {
    return (fill.side == Side::kBuy ? fill.size : fill.usdc) / 100;
  }

  std::uint64_t UniqueOrder(std::size_t number) const {
    return kMadeOrder | Mix(Mix(Mix(setting_.seed, kUniqueOrder), plan_.tx), number);
  }

  // Some orders rest in the book and are filled by several transactions. An order is never filled
  // twice in one: the subgraph would keep only the later event.
  std::uint64_t OrderOf(const Fill& fill, std::size_t number) {
    const bool standing = plan_.makers == 1 && random_.Chance(1, 5);
    if (!standing) return UniqueOrder(number);
    const std::uint64_t what =
        std::uint64_t{fill.token} << 1 | static_cast<std::uint64_t>(fill.side);
    return kMadeOrder | Mix(Mix(Mix(setting_.seed, kStandingOrder), fill.wallet),
                            what << 16 ^ fill.ts / 864'000);
  }

  const MatchSetting& setting_;
  const MatchPlan& plan_;
  std::vector<Fill>& fills_;
  Random random_;
  const Market* market_ = nullptr;
  ExchangeVersion version_ = ExchangeVersion::kV1;
  Side taker_side_ = Side::kBuy;
  std::uint32_t taker_token_ = 0;
  std::uint32_t maker_token_ = 0;
  std::uint32_t taker_ = 0;
  std::uint32_t first_maker_ = 0;
  std::int64_t price_ = 0;  // of the makers, in thousandths
  Amounts total_;
};

}  // namespace

WalletSampler::WalletSampler(std::uint32_t wallets, bool without_first) {
  std::uint64_t sum = 0;
  sums_.reserve(wallets);
  for (std::uint32_t i = 0; i < wallets; ++i) {
    if (i > 0 || !without_first || wallets == 1) sum += (1ULL << 32) / (i + 1);
    sums_.push_back(sum);
  }
}

std::uint32_t WalletSampler::Pick(Random& random) const {
  const std::uint64_t at = random.Below(sums_.back());
  return static_cast<std::uint32_t>(std::upper_bound(sums_.begin(), sums_.end(), at) -
                                    sums_.begin());
}

MarketSampler::MarketSampler(const std::vector<Market>& markets) : markets_(markets) {
  for (std::uint32_t i = 0; i < markets.size(); ++i) {
    const bool tradable = markets[i].tokens.size() == 2;
    if (tradable && markets[i].created == 0 && markets[i].closed_at == 0) always_open_.push_back(i);
  }
  if (!always_open_.empty()) return;
  for (std::uint32_t i = 0; i < markets.size(); ++i) {
    if (markets[i].tokens.size() == 2) always_open_.push_back(i);
  }
  CHECK(!always_open_.empty());
}

std::uint32_t MarketSampler::Pick(Random& random, std::uint32_t ts) const {
  for (int attempt = 0; attempt < 6; ++attempt) {
    // The product of two picks makes some markets much busier than others.
    const std::uint64_t reach = random.Below(markets_.size()) + 1;
    const auto pick = static_cast<std::uint32_t>(random.Below(reach));
    const Market& market = markets_[pick];
    const bool open = market.created <= ts && (market.closed_at == 0 || ts < market.closed_at);
    if (open && market.tokens.size() == 2) return pick;
  }
  const auto first = static_cast<std::size_t>(random.Below(always_open_.size()));
  for (std::size_t i = 0; i < always_open_.size(); ++i) {
    const std::uint32_t pick = always_open_[(first + i) % always_open_.size()];
    if (markets_[pick].closed_at == 0 || ts < markets_[pick].closed_at) return pick;
  }
  return always_open_[first];
}

void AppendMatch(const MatchSetting& setting, const MatchPlan& plan, std::vector<Fill>& fills) {
  Match(setting, plan, fills).Append();
}

}  // namespace sim
