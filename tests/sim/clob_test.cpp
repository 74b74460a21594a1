#include "sim/clob.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/world_builder.h"

namespace sim {
namespace {

using Json = nlohmann::json;

class ClobTest : public testing::Test {
 protected:
  ClobTest() {
    WorldOptions options;
    options.wallets = 12'000;
    options.fills = 1000;
    world_ = BuildWorld(options);
    clob_ = std::make_unique<Clob>(*world_, 0);
  }

  Response Get(const std::string& target) const {
    return clob_->Answer(ParseTarget("GET", target));
  }
  const Market& KnownTo(KnownBy known_by) const {
    return *std::find_if(world_->markets().begin(), world_->markets().end(),
                         [&](const Market& market) { return market.known_by == known_by; });
  }
  std::string TokenOf(const Market& market, std::size_t outcome) const {
    return world_->tokens()[market.tokens[outcome]].decimal;
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<Clob> clob_;
};

TEST_F(ClobTest, NamesMarketAndTokensOfAToken) {
  const Market& market = KnownTo(KnownBy::kClob);
  const Json row = Json::parse(Get("/markets-by-token/" + TokenOf(market, 1)).body);
  EXPECT_EQ(row["condition_id"], market.condition_id);
  EXPECT_EQ(row["primary_token_id"], TokenOf(market, 0));
  EXPECT_EQ(row["secondary_token_id"], TokenOf(market, 1));
}

TEST_F(ClobTest, TellsTheWinnerOfAClosedMarket) {
  const auto decided =
      std::find_if(world_->markets().begin(), world_->markets().end(), [](const Market& market) {
        return market.winner == 1 && market.known_by != KnownBy::kNobody;
      });
  const Json row = Json::parse(Get("/markets/" + decided->condition_id).body);
  EXPECT_EQ(row["closed"], true);
  EXPECT_EQ(row["tokens"][0]["winner"], false);
  EXPECT_EQ(row["tokens"][1]["winner"], true);
  EXPECT_EQ(row["tokens"][1]["token_id"], TokenOf(*decided, 1));
  EXPECT_EQ(row["tokens"][1]["outcome"], decided->outcomes[1]);
  EXPECT_FALSE(row["tags"].empty());
}

TEST_F(ClobTest, KnowsNothingOfMarketsThatNobodyKnows) {
  const Market& market = KnownTo(KnownBy::kNobody);
  for (const std::string& target :
       {"/markets/" + market.condition_id, "/markets-by-token/" + TokenOf(market, 0),
        std::string("/markets/0x12"), std::string("/markets-by-token/1")}) {
    const Response response = Get(target);
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(Json::parse(response.body), Json({{"error", "market not found"}}));
  }
}

TEST_F(ClobTest, WalksByBase64OfAnOffset) {
  std::set<std::string> seen;
  std::string cursor = "MA==";
  std::size_t pages = 0;
  while (cursor != "LTE=" && pages < 10) {
    const Json page = Json::parse(Get("/markets?next_cursor=" + cursor).body);
    EXPECT_EQ(page["limit"], 1000);
    EXPECT_EQ(page["count"], page["data"].size());
    for (const Json& row : page["data"]) seen.insert(row["condition_id"].get<std::string>());
    cursor = page["next_cursor"];
    if (++pages == 1) {
      EXPECT_EQ(cursor, "MTAwMA==");
    }
  }
  EXPECT_EQ(pages, 2U);
  EXPECT_EQ(
      static_cast<std::ptrdiff_t>(seen.size()),
      std::count_if(world_->markets().begin(), world_->markets().end(),
                    [](const Market& market) { return market.known_by != KnownBy::kNobody; }));
  EXPECT_EQ(Get("/markets?next_cursor=!").status, 400);
}

}  // namespace
}  // namespace sim
