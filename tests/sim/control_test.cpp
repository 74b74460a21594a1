// What the one who runs the simulator can ask it and make it do.
#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/oracle.h"
#include "sim/router.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;

class ControlTest : public testing::Test {
 protected:
  Response Ask(const std::string& method, const std::string& target, const std::string& body = "") {
    const Reply reply = router_.Answer({method, target, body, "Bearer key"}, 0, kNow);
    router_.Done();
    return reply.response;
  }
  Json Get(const std::string& target) { return Json::parse(Ask("GET", target).body); }
  Json Post(const std::string& target, const Json& body) {
    return Json::parse(Ask("POST", target, body.dump()).body);
  }
  std::string Oracle(const std::string& query) { return Ask("GET", "/sim/oracle?" + query).body; }
  static std::ptrdiff_t LinesOf(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 5, .wallets = 20, .fills = 3000, .whale_fills = 0, .recorded = ""});
  ServeOptions options_;
  Router router_{*world_, options_};
};

TEST_F(ControlTest, TheOracleTellsWhatItIsAskedFor) {
  EXPECT_EQ(LinesOf(Oracle("")), 3000);
  EXPECT_EQ(Oracle("what=trades&source=data-api"), Oracle(""));
  EXPECT_EQ(LinesOf(Oracle("source=rpc")), 3000);
  EXPECT_LT(LinesOf(Oracle("source=subgraph")), 3000);
  EXPECT_EQ(LinesOf(Oracle("what=wallets")), 20);
  const std::string wallet = WalletsText(*world_, false).substr(0, 42);
  const std::string part = Oracle("what=activity&wallet=" + wallet);
  EXPECT_GT(LinesOf(part), 10);
  EXPECT_LT(LinesOf(part), LinesOf(Oracle("what=activity")));
  EXPECT_EQ(Ask("GET", "/sim/oracle?what=everything").status, 400);
  EXPECT_EQ(Ask("GET", "/sim/oracle?source=rumour").status, 400);
}

TEST_F(ControlTest, TheWorldStopsGrowingAndItsChainGoesOn) {
  EXPECT_TRUE(router_.grows());
  const auto head = [this] {
    const Json answer = Post("/rpc", {{"id", 1}, {"method", "eth_blockNumber"}});
    return std::stoll(answer.at("result").get<std::string>(), nullptr, 16);
  };
  EXPECT_EQ(Ask("POST", "/sim/live", R"({"growing":false,"head_after_newest":0})").status, 200);
  EXPECT_FALSE(router_.grows());
  const std::int64_t newest = head();
  Post("/sim/live", {{"growing", false}, {"head_after_newest", 300}});
  EXPECT_EQ(head(), newest + 300);
  Post("/sim/live", {{"growing", true}});
  EXPECT_TRUE(router_.grows());
  EXPECT_EQ(head(), newest + 300);
  EXPECT_EQ(Ask("POST", "/sim/live", "{}").status, 400);
}

TEST_F(ControlTest, AMarketThatIsClosedIsToldSoByAll) {
  const Json closed = Post("/sim/close", {{"count", 2}})["closed"];
  ASSERT_EQ(closed.size(), 2U);
  const std::string condition = closed[1];
  const std::string by_condition = "/gamma/markets/keyset?condition_ids=" + condition;
  const Json row = Get(by_condition + "&closed=true")["markets"].at(0);
  EXPECT_EQ(row["outcomePrices"], R"(["0", "1"])");
  EXPECT_TRUE(Get(by_condition)["markets"].empty());
  EXPECT_EQ(Get("/clob/markets/" + condition)["tokens"][1]["winner"], true);
  const Json resolution = Get("/data/v2/resolutions?condition=" + condition)["data"][0];
  EXPECT_EQ(resolution["payouts"], Json({0, 1'000'000}));
  EXPECT_NE(Oracle("what=markets").find("0,1000000"), std::string::npos);
  const Json logs = Post(
      "/rpc",
      {{"id", 1}, {"method", "eth_getLogs"}, {"params", {{{"topics", {nullptr, condition}}}}}});
  ASSERT_EQ(logs["result"].size(), 1U) << logs;
  EXPECT_TRUE(logs["result"][0]["data"].get<std::string>().ends_with("1"));
  const Json lost = Get("/data/v2/positions?status=CLOSED&limit=1000&condition=" + condition);
  EXPECT_FALSE(lost["data"].empty());
  EXPECT_EQ(Ask("POST", "/sim/close", "{}").status, 400);
}

TEST_F(ControlTest, AForkIsMadeAndEnded) {
  const Json fork = Post("/sim/reorg", {{"depth", 50}});
  EXPECT_EQ(fork["to"].get<std::int64_t>() - fork["from"].get<std::int64_t>(), 49);
  EXPECT_EQ(Post("/sim/reorg", {{"depth", 0}})["to"], fork["to"]);
  EXPECT_EQ(Ask("POST", "/sim/reorg", R"({"depth":-1})").status, 400);
  EXPECT_EQ(Ask("POST", "/sim/reorg", "[]").status, 400);
}

TEST_F(ControlTest, RequestsAreCountedForTheirUpstream) {
  Get("/dome/orders");
  Post("/rpc", {{"id", 1}, {"method", "eth_chainId"}});
  Get("/data/v2/status");
  const Json stats = Get("/sim/stats");
  EXPECT_EQ(stats["requests"]["dome"], 1);
  EXPECT_EQ(stats["requests"]["rpc"], 1);
  EXPECT_EQ(stats["requests"]["data_other"], 1);
  EXPECT_EQ(stats["rows"], 100);
}

}  // namespace
}  // namespace sim
