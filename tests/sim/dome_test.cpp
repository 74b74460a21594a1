#include "sim/dome.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/decimal.h"
#include "sim/oracle.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

class DomeTest : public testing::Test {
 protected:
  Response Answer(const std::string& target, const std::string& key = "Bearer secret") {
    Request request = ParseTarget("GET", target);
    request.authorization = key;
    request.now = kNow;
    return dome_.Answer(request);
  }
  Json Ask(const std::string& target) { return Json::parse(Answer(target).body); }
  std::string User(std::uint32_t wallet) const {
    return world_->wallets()[wallet].address.ToString();
  }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 5, .wallets = 20, .fills = 3000, .whale_fills = 0, .recorded = ""});
  Dome dome_{*world_};
};

TEST_F(DomeTest, WantsAKey) {
  EXPECT_EQ(Answer("/orders", "").status, 401);
  EXPECT_EQ(Answer("/orders", "Bearer ").status, 401);
  EXPECT_EQ(Answer("/orders", "Basic abc").status, 401);
  EXPECT_EQ(Answer("/orders").status, 200);
  EXPECT_EQ(Answer("/trades").status, 404);
}

TEST_F(DomeTest, TellsTheOracle) {
  Lines told;
  for (std::uint32_t wallet = 0; wallet < 20; ++wallet) {
    std::string key;
    for (bool more = true; more;) {
      const Json page = Ask("/orders?limit=170&user=" + User(wallet) + "&pagination_key=" + key);
      for (const Json& row : page["orders"]) {
        const std::string size = common::FormatMillionths(row["shares"].get<std::int64_t>());
        told.push_back(
            fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", row["user"].get<std::string>(),
                        row["timestamp"].get<std::int64_t>(), row["tx_hash"].get<std::string>(),
                        row["token_id"].get<std::string>(), row["condition_id"].get<std::string>(),
                        row["side"].get<std::string>(), row["shares"].get<std::int64_t>(),
                        common::MultiplyDecimals(size, row["price"].dump()).value_or(-1)));
      }
      more = page["pagination"]["has_more"];
      if (more) key = page["pagination"]["pagination_key"];
    }
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, OracleLines(*world_, common::Source::kDome, std::nullopt));
}

TEST_F(DomeTest, OffsetsAndKeysWalkTheSame) {
  const std::string base = "/orders?limit=10&user=" + User(1);
  const Json first = Ask(base);
  EXPECT_EQ(first["pagination"]["total"], world_->FillsOf(1).size());
  const std::string key = first["pagination"]["pagination_key"];
  EXPECT_EQ(Ask(base + "&offset=10")["orders"], Ask(base + "&pagination_key=" + key)["orders"]);
  EXPECT_EQ(Ask("/orders?user=" + User(1))["orders"].size(), 100U);
}

TEST_F(DomeTest, FiltersNarrowAndTimesAreInclusive) {
  const Fill& fill = world_->fills()[world_->FillsOf(1)[5]];
  const std::string condition = world_->markets()[world_->tokens()[fill.token].market].condition_id;
  const Json page = Ask(fmt::format(
      "/orders?limit=1000&user={}&start_time={}&end_time={}&condition_id={}&token_id={}", User(1),
      fill.ts, fill.ts, condition, world_->tokens()[fill.token].decimal));
  ASSERT_GE(page["orders"].size(), 1U);
  for (const Json& row : page["orders"]) EXPECT_EQ(row["timestamp"], fill.ts);
  EXPECT_GT(Ask("/orders?limit=1000&condition_id=" + condition)["orders"].size(), 10U);
  EXPECT_TRUE(Ask("/orders?market_slug=nothing")["orders"].empty());
}

TEST_F(DomeTest, WrongParametersAreRefused) {
  for (const char* query : {"limit=0", "limit=1001", "limit=x", "offset=-1", "user=0x1",
                            "start_time=yesterday", "pagination_key=abc"}) {
    EXPECT_EQ(Answer(std::string("/orders?") + query).status, 400) << query;
  }
}

}  // namespace
}  // namespace sim
