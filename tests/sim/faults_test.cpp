#include "sim/faults.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/oracle.h"
#include "sim/router.h"
#include "sim/world_builder.h"

namespace sim {
namespace {

using Json = nlohmann::json;

FaultSetting With(std::vector<std::string> texts) {
  FaultSetting setting;
  for (const std::string& text : texts) EXPECT_TRUE(AddFault(text, setting).has_value()) << text;
  return setting;
}

int CountOf(Faults& faults, int requests) {
  int count = 0;
  for (int i = 0; i < requests; ++i) {
    count += faults.Decide(Endpoint::kDataTrades, "/", "").has_value() ? 1 : 0;
  }
  return count;
}

TEST(FaultsTest, ASeedDecides) {
  Faults one(1, With({"503=0.1", "cut=0.1"}));
  Faults two(1, With({"503=0.1", "cut=0.1"}));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(one.Decide(Endpoint::kClob, "/", ""), two.Decide(Endpoint::kClob, "/", ""));
  }
}

TEST(FaultsTest, ProfilesDifferInHowManyTheyHit) {
  Faults none(1, *ProfileSetting("none"));
  Faults mild(1, *ProfileSetting("mild"));
  Faults nasty(1, *ProfileSetting("nasty"));
  EXPECT_EQ(CountOf(none, 10'000), 0);
  EXPECT_NEAR(CountOf(mild, 10'000), 150, 60);
  EXPECT_NEAR(CountOf(nasty, 10'000), 1100, 250);
  EXPECT_FALSE(ProfileSetting("wild").has_value());
}

TEST(FaultsTest, ABurstGoesOnForItsEndpoint) {
  FaultSetting setting = With({"503=1"});
  setting.burst = 30;
  Faults faults(1, setting);
  EXPECT_EQ(faults.Decide(Endpoint::kClob, "/", ""), FaultKind::k503);
  faults.Count(FaultKind::k503);
  EXPECT_EQ(faults.count(FaultKind::k503), 1U);
  FaultSetting rare = With({"503=0.01"});
  rare.burst = 30;
  Faults bursts(3, rare);
  int in_a_row = 0;
  while (!bursts.Decide(Endpoint::kClob, "/", "")) continue;
  while (bursts.Decide(Endpoint::kClob, "/", "")) ++in_a_row;
  EXPECT_GE(in_a_row, 29);
}

TEST(FaultsTest, AWalletMeetsItsFaultAlways) {
  const std::string wallet = "0xAAaa000000000000000000000000000000000001";
  Faults faults(1, With({"hang@" + wallet}));
  EXPECT_EQ(faults.Decide(Endpoint::kDataTrades, "/v2/trades?user=" + wallet, ""),
            FaultKind::kHang);
  EXPECT_EQ(faults.Decide(Endpoint::kSubgraph, "/", "{\"maker\":\"" + wallet + "\"}"),
            FaultKind::kHang);
  EXPECT_EQ(faults.Decide(Endpoint::kDataTrades, "/v2/trades?user=0x", ""), std::nullopt);
}

TEST(FaultsTest, WrongTextsAreRefused) {
  FaultSetting setting;
  for (const char* text : {"503", "503=2", "503=x", "fire=0.1", "503@0x12", "=1"}) {
    EXPECT_FALSE(AddFault(text, setting).has_value()) << text;
  }
}

class RouterFaultTest : public testing::Test {
 protected:
  Reply Ask(const std::string& target) {
    Reply reply = router_.Answer({"GET", target, ""}, 0, 1'795'200'000);
    router_.Done();
    return reply;
  }
  Reply Become(const std::string& faults) {
    return router_.Answer({"POST", "/sim/faults", faults}, 0, 0);
  }
  Json Stats() { return Json::parse(Ask("/sim/stats").response.body); }
  std::string Trades() {
    return "/data/v2/trades?taker_only=false&start=1&limit=5&user=" +
           WalletsText(*world_, false).substr(0, 42);
  }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 1, .wallets = 5, .fills = 200, .whale_fills = 0, .recorded = ""});
  ServeOptions options_;
  Router router_{*world_, options_};
};

TEST_F(RouterFaultTest, AnswersAreSpoiledAndCounted) {
  EXPECT_EQ(Become(R"({"faults":["503=1"],"latency_ms":7})").response.status, 200);
  const Reply refused = Ask(Trades());
  EXPECT_EQ(refused.response.status, 503);
  EXPECT_EQ(refused.plan.delay_ms, 7);
  Become(R"({"faults":["errors200=1"]})");
  EXPECT_TRUE(Json::parse(Ask(Trades()).response.body).contains("errors"));
  Become(R"({"faults":["garbled=1"]})");
  EXPECT_TRUE(Json::parse(Ask(Trades()).response.body, nullptr, false).is_discarded());
  Become(R"({"faults":["hang=1"]})");
  EXPECT_EQ(Ask(Trades()).plan.how, WirePlan::How::kHang);
  Become("{}");
  EXPECT_EQ(Json::parse(Ask(Trades()).response.body)["data"].size(), 5U);
  const Json stats = Stats();
  EXPECT_EQ(stats["requests"]["data_trades"], 5);
  EXPECT_EQ(stats["responses"], (Json{{"200", 3}, {"503", 1}}));
  EXPECT_EQ(stats["faults"], (Json{{"503", 1}, {"errors200", 1}, {"garbled", 1}, {"hang", 1}}));
  EXPECT_EQ(stats["rows"], 5);
}

TEST_F(RouterFaultTest, AskForPausesAsDatesAndAsNonsense) {
  const auto pauses = [this](const std::string& kind) {
    Become(R"({"faults":[")" + kind + R"(=1"]})");
    std::set<std::pair<int, std::string>> told;
    for (int i = 0; i < 12; ++i) {
      const Response response = Ask(Trades()).response;
      EXPECT_EQ(response.headers.back().first, "Retry-After");
      told.emplace(response.status, response.headers.back().second);
    }
    return told;
  };
  const auto dates = pauses("retry_after_date");
  EXPECT_EQ(dates.size(), 2U);
  EXPECT_TRUE(dates.begin()->second.ends_with(" 20 Nov 2026 18:40:01 GMT"));
  const auto absurd = pauses("retry_after_absurd");
  EXPECT_EQ(absurd.size(), 12U);
  EXPECT_TRUE(absurd.contains({429, "999999999"}) && absurd.contains({503, "-5"}));
  EXPECT_EQ(Stats()["faults"], (Json{{"retry_after_date", 12}, {"retry_after_absurd", 12}}));
}

TEST_F(RouterFaultTest, APageFaultIsCountedOnlyWhereItIsDone) {
  Become(R"({"faults":["repeated_page=1"]})");
  const Json first = Json::parse(Ask(Trades()).response.body);
  EXPECT_FALSE(Stats()["faults"].contains("repeated_page"));  // there is no page before the first
  const std::string cursor = first["pagination"]["next_cursor"];
  const Json second = Json::parse(Ask(Trades() + "&cursor=" + cursor).response.body);
  EXPECT_EQ(second["data"], first["data"]);
  EXPECT_EQ(Stats()["faults"]["repeated_page"], 1);
  Become(R"({"faults":["no_cursor=1"]})");
  const Json without = Json::parse(Ask(Trades()).response.body)["pagination"];
  EXPECT_TRUE(without["has_more"].get<bool>());
  EXPECT_TRUE(without["next_cursor"].is_null());
}

TEST_F(RouterFaultTest, WrongSettingsChangeNothing) {
  EXPECT_EQ(Become("[]").response.status, 400);
  EXPECT_EQ(Become(R"({"profile":"wild"})").response.status, 400);
  EXPECT_EQ(Become(R"({"faults":"503=1"})").response.status, 400);
  EXPECT_EQ(Ask(Trades()).response.status, 200);
}

TEST_F(RouterFaultTest, LimitsRefuseAsTheUpstreamsDo) {
  options_.limits = {"data_trades=1/10s"};
  Router limited(*world_, options_);
  std::vector<std::string> types;
  for (int i = 0; i < 6; ++i) {
    const Reply reply = limited.Answer({"GET", Trades(), ""}, 0, 1'795'200'000);
    if (i == 0) continue;
    EXPECT_EQ(reply.response.status, 429);
    EXPECT_EQ(reply.response.headers.back().first, "Retry-After");
    types.push_back(reply.response.content_type);
  }
  EXPECT_EQ(types.front(), "application/json");
  EXPECT_TRUE(types.back().starts_with("text/html"));
  EXPECT_EQ(Json::parse(limited.StatsText())["over_limit"], 5);
}

}  // namespace
}  // namespace sim
