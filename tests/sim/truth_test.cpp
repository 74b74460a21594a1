// Both dialects tell exactly the oracle's rows.
#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/decimal.h"
#include "sim/oracle.h"
#include "sim/router.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

const WorldOptions kWorld = {
    .seed = 5, .wallets = 40, .fills = 6000, .whale_fills = 0, .recorded = ""};

Lines Split(const std::string& text, char mark) {
  Lines parts;
  std::string part;
  for (std::istringstream in(text); std::getline(in, part, mark);) parts.push_back(part);
  return parts;
}

// The number behind `key`, as it is written.
std::string NumberAfter(std::string_view row, const std::string& key) {
  const std::size_t from = row.find("\"" + key + "\":") + key.size() + 3;
  return std::string(row.substr(from, row.find(',', from) - from));
}

class TruthTest : public testing::Test {
 protected:
  Json Ask(const std::string& method, const std::string& target, const std::string& body) {
    const Reply reply = router_.Answer({method, target, body}, 0, kNow);
    router_.Done();
    EXPECT_EQ(reply.response.status, 200) << reply.response.body;
    last_body_ = reply.response.body;
    return Json::parse(reply.response.body);
  }

  // Walks a wallet by its cursors, newest first.
  void WalkDataApi(const std::string& wallet, Lines& lines) {
    const std::string query =
        "/data/v2/trades?taker_only=false&limit=1000&start=1&filter_amount=0.000001&user=" + wallet;
    std::string cursor;
    for (bool more = true; more;) {
      const Json page = Ask("GET", query + (cursor.empty() ? "" : "&cursor=" + cursor), "");
      AddDataRows(page["data"], lines);
      more = page["pagination"]["has_more"];
      if (more) cursor = page["pagination"]["next_cursor"];
    }
  }

  void AddDataRows(const Json& rows, Lines& lines) {
    std::size_t at = 0;
    for (const Json& row : rows) {
      at = last_body_.find("{\"proxy_wallet\"", at + 1);
      const std::string_view text = std::string_view(last_body_).substr(at);
      const std::string size = NumberAfter(text, "size");
      lines.push_back(fmt::format(
          "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", row["proxy_wallet"].get<std::string>(),
          row["timestamp"].get<std::int64_t>(), row["transaction_hash"].get<std::string>(),
          row["token_id"].get<std::string>(), row["condition_id"].get<std::string>(),
          row["side"].get<std::string>(), common::ParseMillionths(size).value_or(-1),
          common::MultiplyDecimals(size, NumberAfter(text, "price")).value_or(-1)));
    }
  }

  void WalkSubgraph(const std::string& wallet, Lines& lines) {
    for (int skip = 0;; skip += 1000) {
      const std::string query = fmt::format(
          "{{orderFilledEvents(first:1000,skip:{},orderBy:timestamp,where:{{maker:\"{}\"}}){{"
          "timestamp transactionHash taker makerAssetId takerAssetId makerAmountFilled "
          "takerAmountFilled fee}}}}",
          skip, wallet);
      const Json rows =
          Ask("POST", "/subgraph", Json{{"query", query}}.dump())["data"]["orderFilledEvents"];
      for (const Json& row : rows) lines.push_back(SubgraphLine(wallet, row));
      if (rows.size() < 1000) return;
    }
  }

  // The maker's trade of an event; its taker is an exchange where the maker was the taker of the
  // match.
  std::string SubgraphLine(const std::string& wallet, const Json& row) {
    const auto text = [&row](const char* key) {
      return row[key].get<std::string>();
    };
    const bool buys = text("makerAssetId") == "0";
    const std::string token = text(buys ? "takerAssetId" : "makerAssetId");
    const std::uint32_t* number = world_->FindToken(token);
    if (number == nullptr) return "unknown token " + token;
    const std::string maker_amount = text("makerAmountFilled");
    const std::string taker_amount = text("takerAmountFilled");
    const bool is_taker = text("taker") == "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e" ||
                          text("taker") == "0xc5d563a36ae78145c45a50134d48a1215220f80a";
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\tV1", wallet, text("timestamp"),
                       text("transactionHash"), token,
                       world_->markets()[world_->tokens()[*number].market].condition_id,
                       buys ? "BUY" : "SELL", buys ? taker_amount : maker_amount,
                       buys ? maker_amount : taker_amount, text("fee"),
                       is_taker ? "taker" : "maker");
  }

  void ExpectThatTheDataApiTellsTheOracle() {
    Lines told;
    for (const std::string& wallet : Wallets()) WalkDataApi(wallet, told);
    std::sort(told.begin(), told.end());
    const Lines expected = OracleLines(*world_, common::Source::kDataApi, std::nullopt);
    EXPECT_GE(expected.size(), 5900U);
    EXPECT_TRUE(told == expected) << told.size() << " of " << expected.size();
  }

  Lines Wallets() { return Split(WalletsText(*world_, false), '\n'); }

  std::unique_ptr<World> world_ = BuildWorld(kWorld);
  ServeOptions options_;
  Router router_{*world_, options_};
  std::string last_body_;
};

TEST_F(TruthTest, TheSameOptionsGiveTheSameWorld) {
  const auto again = BuildWorld(kWorld);
  WorldOptions other = kWorld;
  other.seed = 6;
  const auto oracle = [](const World& world) {
    return OracleText(world, common::Source::kSubgraph, std::nullopt);
  };
  EXPECT_EQ(oracle(*world_), oracle(*again));
  EXPECT_EQ(WalletsText(*world_, true), WalletsText(*again, true));
  EXPECT_NE(oracle(*world_), oracle(*BuildWorld(other)));
}

TEST_F(TruthTest, TheDataApiTellsTheOracle) {
  ExpectThatTheDataApiTellsTheOracle();
}

TEST_F(TruthTest, TheSubgraphTellsTheOracle) {
  Lines told;
  for (const std::string& wallet : Wallets()) WalkSubgraph(wallet, told);
  std::sort(told.begin(), told.end());
  const Lines expected = OracleLines(*world_, common::Source::kSubgraph, std::nullopt);
  EXPECT_GE(expected.size(), 1000U);
  EXPECT_TRUE(told == expected) << told.size() << " of " << expected.size();
}

TEST_F(TruthTest, TheWorldHoldsEqualRowsAndBothEras) {
  const Lines lines = OracleLines(*world_, common::Source::kDataApi, std::nullopt);
  EXPECT_NE(std::adjacent_find(lines.begin(), lines.end()), lines.end());
  const auto& fills = world_->fills();
  const auto count = [&fills](common::UnixSeconds second) {
    return std::count_if(fills.begin(), fills.end(),
                         [second](const Fill& fill) { return fill.ts == second; });
  };
  EXPECT_GT(count(common::kV1Cutover), 0);
  EXPECT_GT(count(common::kV1Cutover + 1), 0);
}

TEST_F(TruthTest, TheOracleOfOneWalletIsItsPartOfTheWhole) {
  const std::string wallet = Wallets()[3];
  Lines part = OracleLines(*world_, common::Source::kDataApi, Lines{wallet});
  Lines whole = OracleLines(*world_, common::Source::kDataApi, std::nullopt);
  std::erase_if(whole, [&](const std::string& line) { return !line.starts_with(wallet); });
  EXPECT_FALSE(part.empty());
  EXPECT_EQ(part, whole);
}

TEST_F(TruthTest, AWorldGrowsAtTheGivenPaceAndTellsIt) {
  const std::size_t before = world_->fills().size();
  const std::size_t wallets = Wallets().size();
  LiveFeed feed(*world_, 100);
  feed.Grow(kNow * 1000);
  feed.Grow(kNow * 1000 + 5000);
  EXPECT_NEAR(static_cast<double>(world_->fills().size() - before), 500, 5);
  EXPECT_GT(Wallets().size(), wallets);
  ExpectThatTheDataApiTellsTheOracle();
}

}  // namespace
}  // namespace sim
