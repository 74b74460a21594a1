#include "sim/world.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "sim/amounts.h"
#include "sim/market_builder.h"
#include "sim/world_builder.h"

namespace sim {
namespace {

using common::ExchangeVersion;
using common::Role;
using common::Side;

const World& SomeWorld() {
  static const auto world =
      BuildWorld({.seed = 2, .wallets = 500, .fills = 60'000, .whale_fills = 0, .recorded = ""});
  return *world;
}

class WorldTest : public testing::Test {
 protected:
  // The fills of each transaction, in log order.
  std::map<std::uint32_t, std::vector<Fill>> Matches() const {
    std::map<std::uint32_t, std::vector<Fill>> matches;
    for (const Fill& fill : world_.fills()) matches[fill.tx].push_back(fill);
    return matches;
  }
  template <typename Wanted>
  auto Count(const Wanted& wanted) const {
    return std::count_if(world_.fills().begin(), world_.fills().end(), wanted);
  }
  std::uint32_t MarketOf(const Fill& fill) const { return world_.tokens()[fill.token].market; }

  const World& world_ = SomeWorld();
};

TEST_F(WorldTest, HasExactlyTheFillsAskedFor) {
  EXPECT_EQ(world_.fills().size(), 60'000U);
}

TEST_F(WorldTest, EveryMatchEndsWithItsTaker) {
  for (const auto& [tx, fills] : Matches()) {
    const Fill& last = fills.back();
    if (last.role != Role::kTaker) {  // fillOrder: the taker is the operator
      ASSERT_EQ(fills.size(), 1U);
      ASSERT_EQ(world_.wallets()[last.taker].kind, WalletKind::kOperator);
      continue;
    }
    ASSERT_EQ(world_.wallets()[last.taker].kind, WalletKind::kContract);
    for (std::size_t i = 0; i + 1 < fills.size(); ++i) {
      ASSERT_EQ(fills[i].role, Role::kMaker);
      ASSERT_EQ(fills[i].taker, last.wallet);
      ASSERT_EQ(MarketOf(fills[i]), MarketOf(last));
    }
  }
}

// COMPLEMENTARY: the same token, opposite sides, the same sums. MINT and MERGE: the other token,
// the same side, and shares that are paid for by both together.
TEST_F(WorldTest, TheAmountsOfAMatchAddUp) {
  std::map<std::string, int> kinds;
  for (const auto& [tx, fills] : Matches()) {
    const Fill& taker = fills.back();
    if (taker.role != Role::kTaker) continue;
    const bool complementary = fills[0].token == taker.token;
    kinds[complementary ? "complementary" : taker.side == Side::kBuy ? "mint" : "merge"]++;
    std::int64_t size = 0;
    std::int64_t usdc = 0;
    for (std::size_t i = 0; i + 1 < fills.size(); ++i) {
      ASSERT_EQ(fills[i].side == taker.side, !complementary);
      size += fills[i].size;
      usdc += complementary ? fills[i].usdc : fills[i].size - fills[i].usdc;
    }
    ASSERT_EQ(size, taker.size);
    ASSERT_EQ(usdc, taker.usdc);
  }
  EXPECT_EQ(kinds.size(), 3U);
}

TEST_F(WorldTest, NoAmountIsZeroAndEveryPriceIsBelowOne) {
  EXPECT_EQ(Count([](const Fill& fill) { return fill.usdc <= 0 || fill.usdc >= fill.size; }), 0);
}

TEST_F(WorldTest, FeesAreThoseOfTheEra) {
  for (const Fill& fill : world_.fills()) {
    if (fill.version == ExchangeVersion::kV1) continue;
    const auto rate = world_.markets()[MarketOf(fill)].fee_permille;
    const auto fee = fill.role == Role::kTaker ? FeeV2(fill.size, fill.usdc, rate) : 0;
    ASSERT_EQ(fill.fee, fee);
  }
  EXPECT_GT(Count([](const Fill& f) { return f.fee > 0 && f.version == ExchangeVersion::kV1; }), 0);
}

TEST_F(WorldTest, TheErasMeetAtTheCutover) {
  for (const Fill& fill : world_.fills()) {
    ASSERT_EQ(fill.version == ExchangeVersion::kV1, fill.ts <= common::kV1Cutover);
    ASSERT_TRUE(fill.ts >= kWorldStart && fill.ts <= kWorldEnd);
  }
  EXPECT_GT(Count([](const Fill& fill) { return fill.ts == common::kV1Cutover; }), 10);
  EXPECT_GT(Count([](const Fill& fill) { return fill.ts == common::kV1Cutover + 1; }), 10);
}

TEST_F(WorldTest, AnIdOfTheSubgraphIsUnique) {
  std::set<std::pair<Hash32, Hash32>> ids;
  for (const Fill& fill : world_.fills()) ids.emplace(world_.TxHash(fill), world_.OrderHash(fill));
  EXPECT_EQ(ids.size(), world_.fills().size());
}

TEST_F(WorldTest, SomeOrdersAreFilledBySeveralTransactions) {
  std::map<std::uint64_t, std::set<std::uint32_t>> transactions;
  for (const Fill& fill : world_.fills()) transactions[fill.order].insert(fill.tx);
  EXPECT_TRUE(std::any_of(transactions.begin(), transactions.end(),
                          [](const auto& order) { return order.second.size() > 1; }));
}

TEST_F(WorldTest, OddFillsAreThere) {
  EXPECT_GT(Count([](const Fill& fill) { return fill.size < 10'000; }), 0);         // dust
  EXPECT_GT(Count([](const Fill& fill) { return fill.wallet == fill.taker; }), 0);  // self-trades
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> busy;
  for (const Fill& fill : world_.fills()) ++busy[{fill.wallet, fill.ts}];
  const auto seconds = std::count_if(busy.begin(), busy.end(),
                                     [](const auto& second) { return second.second > 1000; });
  EXPECT_EQ(seconds, 2);
}

TEST_F(WorldTest, MarketsAreOfManyKinds) {
  const auto& markets = world_.markets();
  const auto count = [&](const auto& wanted) {
    return std::count_if(markets.begin(), markets.end(), wanted);
  };
  EXPECT_GT(count([](const Market& m) { return m.outcomes[0] == "No"; }), 0);
  EXPECT_GT(count([](const Market& m) { return m.outcomes[0] == "Up"; }), 0);
  EXPECT_GT(count([](const Market& m) { return m.neg_risk; }), 2);
  EXPECT_GT(count([](const Market& m) { return m.closed_at != 0; }), 0);
  EXPECT_GT(count([](const Market& m) { return !m.category.empty(); }), 0);
}

TEST_F(WorldTest, TokensThatAreNotKnownAreTraded) {
  const auto big =
      BuildWorld({.seed = 3, .wallets = 3000, .fills = 30'000, .whale_fills = 0, .recorded = ""});
  std::map<KnownBy, int> fills;
  for (const Fill& fill : big->fills()) {
    ++fills[big->markets()[big->tokens()[fill.token].market].known_by];
  }
  EXPECT_GT(fills[KnownBy::kClob], 0);
  EXPECT_GT(fills[KnownBy::kNobody], 0);
}

TEST_F(WorldTest, AFewWalletsDoMost) {
  EXPECT_GT(world_.FillsOf(0).size(), 20 * world_.FillsOf(200).size());
}

TEST(WhaleTest, TheFirstWalletIsExactlyAsBigAsAskedFor) {
  for (const std::uint64_t fills : {std::uint64_t{1}, std::uint64_t{5000}}) {
    const auto world =
        BuildWorld({.seed = 8, .wallets = 10, .fills = 6000, .whale_fills = fills, .recorded = ""});
    EXPECT_EQ(world->FillsOf(0).size(), fills);
  }
}

}  // namespace
}  // namespace sim
