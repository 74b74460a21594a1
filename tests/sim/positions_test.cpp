// What wallets hold, and what it is worth.
#include <map>
#include <set>

#include "tests/sim/portfolio_fixture.h"

namespace sim {
namespace {

class PositionsTest : public PortfolioFixture {};

TEST_F(PositionsTest, PositionsTellTheOracle) {
  Lines told;
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const char* status : {"OPEN", "REDEEMABLE_LOST", "CLOSED"}) {
      for (const Json& row :
           Walk(fmt::format("/v2/positions?limit=37&status={}&{}", status, User(wallet)))) {
        told.push_back(PositionLine(row));
      }
    }
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, Oracle(OracleSubject::kPositions));
}

TEST_F(PositionsTest, StatusFiltersOverlap) {
  const auto tokens = [this](const std::string& status) {
    std::set<std::string> found;
    for (std::uint32_t wallet = 0; wallet < 10; ++wallet) {
      for (const Json& row :
           Walk("/v2/positions?limit=1000&status=" + status + '&' + User(wallet))) {
        found.insert(Text(row, "proxy_wallet") + Text(row, "token_id"));
      }
    }
    return found;
  };
  const auto open = tokens("OPEN");
  for (const char* part : {"REDEEMABLE", "MERGEABLE"}) {
    const auto found = tokens(part);
    EXPECT_FALSE(found.empty()) << part;
    EXPECT_LT(found.size(), open.size());
    EXPECT_TRUE(std::includes(open.begin(), open.end(), found.begin(), found.end())) << part;
  }
  for (const std::string& lost : tokens("REDEEMABLE_LOST")) EXPECT_FALSE(open.contains(lost));
}

TEST_F(PositionsTest, BoughtTotalsAreTheSumsOfBuys) {
  std::map<std::string, std::int64_t> bought;
  for (const FillNumber number : world_->FillsOf(0)) {
    const Fill& fill = world_->fills()[number];
    if (fill.side == common::Side::kBuy) bought[world_->tokens()[fill.token].decimal] += fill.size;
  }
  std::size_t checked = 0;
  for (const char* status : {"OPEN", "REDEEMABLE_LOST", "CLOSED"}) {
    for (const Json& row :
         Walk(fmt::format("/v2/positions?limit=1000&status={}&{}", status, User(0)))) {
      EXPECT_EQ(Millionths(row["total_size"]), bought[Text(row, "token_id")]);
      ++checked;
    }
  }
  EXPECT_GT(checked, 20U);
}

TEST_F(PositionsTest, NobodyHoldsLessThanNothing) {
  Books books(*world_);
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const HoldingOf& held : books.OfWallet(wallet).holdings) {
      ASSERT_GE(held.holding.size, 0);
      ASSERT_EQ(held.holding.size, held.holding.acquired - held.holding.gone);
    }
  }
}

TEST_F(PositionsTest, MarketsAndWalletsKeepTheSameBooks) {
  Books books(*world_);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> of_wallets;
  for (std::uint32_t wallet = 0; wallet < 40; ++wallet) {
    for (const HoldingOf& held : books.OfWallet(wallet).holdings) {
      of_wallets[{wallet, held.token}] = held.holding.size;
    }
  }
  std::size_t rows = 0;
  for (std::uint32_t market = 0; market < world_->markets().size(); ++market) {
    for (const HoldingOf& held : books.OfMarket(market)) {
      ++rows;
      ASSERT_EQ((of_wallets[{held.wallet, held.token}]), held.holding.size);
    }
  }
  EXPECT_EQ(rows, of_wallets.size());
}

TEST_F(PositionsTest, AMarketsPositionsAreThoseOfItsWallets) {
  const std::string condition = world_->markets()[0].condition_id;
  const auto rows = Walk("/v2/positions?limit=7&condition=" + condition);
  ASSERT_GT(rows.size(), 14U);
  std::set<std::string> seen;
  for (const Json& row : rows) {
    EXPECT_TRUE(seen.insert(Text(row, "proxy_wallet") + Text(row, "token_id")).second);
    const Json own = Ask("/v2/positions?limit=1000&condition=" + condition +
                         "&user=" + Text(row, "proxy_wallet"))["data"];
    EXPECT_NE(std::find(own.begin(), own.end(), row), own.end());
  }
}

TEST_F(PositionsTest, TheValueIsTheSumOfThePositions) {
  double sum = 0;
  for (const Json& row : Walk("/v2/positions?limit=1000&" + User(3))) {
    sum += row["current_value"].get<double>();
  }
  const Json value = Ask("/v2/value?" + User(3));
  EXPECT_NEAR(value["data"]["value"].get<double>(), sum, 0.05);
  EXPECT_EQ("user=" + Text(value["data"], "proxy_wallet"), User(3));
  EXPECT_TRUE(Ask("/v2/value?user=0x00000000000000000000000000000000000000aa")["data"].is_null());
}

}  // namespace
}  // namespace sim
