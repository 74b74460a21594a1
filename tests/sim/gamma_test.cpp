#include "sim/gamma.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/world_builder.h"

namespace sim {
namespace {

using Json = nlohmann::json;

class GammaTest : public testing::Test {
 protected:
  GammaTest() {
    WorldOptions options;
    options.seed = 7;
    options.wallets = 2000;
    options.fills = 2000;
    world_ = BuildWorld(options);
  }

  Response Get(const std::string& target, common::UnixSeconds now = 1000) const {
    Request request = ParseTarget("GET", target);
    request.now = now;
    return gamma_->Answer(request);
  }
  Json GetJson(const std::string& target, common::UnixSeconds now = 1000) const {
    const Response response = Get(target, now);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return Json::parse(response.body);
  }
  // The markets of a list that names what it wants.
  Json Listed(const std::string& query) const {
    return GetJson("/markets/keyset?" + query).at("markets");
  }
  // The first market that passes.
  template <typename Wanted>
  const Market& Find(Wanted wanted) const {
    return *std::find_if(world_->markets().begin(), world_->markets().end(), wanted);
  }
  std::string TokenOf(const Market& market, std::size_t outcome = 0) const {
    return world_->tokens()[market.tokens[outcome]].decimal;
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<Gamma> gamma_;

  void SetUp() override { gamma_ = std::make_unique<Gamma>(*world_, 60); }
};

bool IsOpen(const Market& market) {
  return market.closed_at == 0 && market.known_by == KnownBy::kGammaAndClob;
}

TEST_F(GammaTest, WritesListsAsTextAndTheClosingTimeInItsOwnForm) {
  const Market& market = Find([](const Market& each) {
    return each.closed_at != 0 && each.winner == 1 && each.known_by == KnownBy::kGammaAndClob;
  });
  const Json row = Listed("closed=true&clob_token_ids=" + TokenOf(market)).at(0);
  EXPECT_EQ(row["conditionId"], market.condition_id);
  EXPECT_EQ(Json::parse(row["outcomes"].get<std::string>()), Json(market.outcomes));
  EXPECT_EQ(Json::parse(row["clobTokenIds"].get<std::string>()),
            Json({TokenOf(market), TokenOf(market, 1)}));
  EXPECT_EQ(row["outcomePrices"], R"(["0", "1"])");
  EXPECT_EQ(row["closedTime"].get<std::string>().substr(19), "+00");
  EXPECT_EQ(row["umaResolutionStatus"], "resolved");
  EXPECT_EQ(row["active"], true);
  EXPECT_EQ(row["events"].size(), 1U);
  EXPECT_FALSE(row.contains("tags"));
}

TEST_F(GammaTest, TellsTagsOnlyWhenAsked) {
  const Market& market = Find(IsOpen);
  const Json row = Listed("include_tag=true&id=" + market.id).at(0);
  EXPECT_FALSE(row["tags"].empty());
  EXPECT_EQ(GetJson("/markets/" + market.id + "/tags"), row["tags"]);
}

TEST_F(GammaTest, TellsAMarketsTagsInAnotherOrderThanItsEvents) {
  const Market& market = Find([this](const Market& each) {
    return IsOpen(each) && world_->events()[each.event].tags.size() > 1;
  });
  Json tags = GetJson("/events/" + world_->events()[market.event].id)["tags"];
  std::reverse(tags.begin(), tags.end());
  EXPECT_EQ(Listed("include_tag=true&id=" + market.id).at(0)["tags"], tags);
}

TEST_F(GammaTest, HoldsClosedMarketsBack) {
  const Market& market = Find([](const Market& each) {
    return each.closed_at != 0 && each.known_by == KnownBy::kGammaAndClob;
  });
  EXPECT_TRUE(Listed("condition_ids=" + market.condition_id).empty());
  EXPECT_EQ(Listed("closed=true&condition_ids=" + market.condition_id).size(), 1U);
  EXPECT_EQ(GetJson("/markets/slug/" + market.slug)["id"], market.id);
}

TEST_F(GammaTest, KnowsNoMarketThatOnlyTheClobKnows) {
  const Market& market = Find([](const Market& each) { return each.known_by == KnownBy::kClob; });
  for (const char* closed : {"true", "false"}) {
    EXPECT_TRUE(
        Listed("clob_token_ids=" + TokenOf(market) + std::string("&closed=") + closed).empty());
  }
  EXPECT_EQ(Get("/markets/" + market.id).status, 404);
}

TEST_F(GammaTest, LearnsOfUnknownMarketsInTheMeantime) {
  const Market& market = Find([](const Market& each) { return each.known_by == KnownBy::kNobody; });
  EXPECT_EQ(Get("/markets/" + market.id, 1000).status, 404);
  EXPECT_EQ(Get("/markets/" + market.id, 1059).status, 404);
  EXPECT_EQ(Get("/markets/" + market.id, 1060).status, 200);
}

TEST_F(GammaTest, RefusesWhatTheRealOneRefuses) {
  std::string tokens = "/markets/keyset?limit=100";
  for (int i = 0; i < 51; ++i) tokens += "&clob_token_ids=" + std::to_string(i);
  std::string conditions = "/markets/keyset?limit=100";
  for (int i = 0; i < 101; ++i) conditions += "&condition_ids=" + std::to_string(i);
  EXPECT_EQ(Get(tokens).status, 414);
  for (const std::string& target :
       {conditions, std::string("/markets/keyset?closed=yes"),
        std::string("/markets/keyset?limit=101"), std::string("/markets/keyset?offset=0"),
        std::string("/markets/keyset?after_cursor=abc"), std::string("/markets/x")}) {
    EXPECT_EQ(Get(target).status, 422) << target;
  }
}

TEST_F(GammaTest, WalksAKeysetListToItsEnd) {
  for (const std::string list : {"markets", "events"}) {
    std::vector<std::string> seen;
    Json page = GetJson("/" + list + "/keyset?limit=7");
    while (true) {
      for (const Json& row : page[list]) seen.push_back(row["id"]);
      if (!page.contains("next_cursor")) break;
      const auto cursor = page["next_cursor"].get<std::string>();
      page = GetJson("/" + list + "/keyset?limit=7&after_cursor=" + cursor);
    }
    std::vector<std::string> unique = seen;
    std::sort(unique.begin(), unique.end());
    EXPECT_EQ(std::unique(unique.begin(), unique.end()), unique.end());
    const auto expected =
        list == "markets"
            ? std::count_if(world_->markets().begin(), world_->markets().end(), IsOpen)
            : std::count_if(world_->events().begin(), world_->events().end(),
                            [&](const Event& event) {
                              return !event.closed &&
                                     std::any_of(event.markets.begin(), event.markets.end(),
                                                 [&](std::uint32_t market) {
                                                   return world_->markets()[market].known_by ==
                                                          KnownBy::kGammaAndClob;
                                                 });
                            });
    EXPECT_EQ(static_cast<std::ptrdiff_t>(seen.size()), expected);
  }
}

TEST_F(GammaTest, GivesTheFirstPageForAWrongParameterAndBindsCursorsToTheirList) {
  const Json first = GetJson("/markets/keyset?closed=true");
  EXPECT_EQ(first["markets"].size(), 20U);
  const auto cursor = first["next_cursor"].get<std::string>();
  EXPECT_EQ(GetJson("/markets/keyset?closed=true&cursor=" + cursor), first);
  EXPECT_EQ(Get("/events/keyset?after_cursor=" + cursor).status, 422);
}

TEST_F(GammaTest, RepeatsAPageOnlyWhereThereIsOneBefore) {
  const Json first = GetJson("/markets/keyset?closed=true&limit=5");
  const auto cursor = first["next_cursor"].get<std::string>();
  Request request = ParseTarget("GET", "/markets/keyset?closed=true&limit=5");
  request.page_fault = PageFault::kRepeat;
  EXPECT_FALSE(gamma_->Answer(request).page_fault_done);
  request = ParseTarget("GET", "/markets/keyset?closed=true&limit=5&after_cursor=" + cursor);
  request.page_fault = PageFault::kRepeat;
  const Response repeated = gamma_->Answer(request);
  EXPECT_TRUE(repeated.page_fault_done);
  EXPECT_EQ(Json::parse(repeated.body)["markets"], first["markets"]);
}

TEST_F(GammaTest, WalksClosedMarketsFromTheNewest) {
  const std::string target = "/markets/keyset?closed=true&order=closedTime&ascending=false&limit=9";
  std::vector<std::string> seen;
  Json page = GetJson(target);
  while (true) {
    for (const Json& row : page["markets"]) seen.push_back(row["closedTime"]);
    if (!page.contains("next_cursor")) break;
    page = GetJson(target + "&after_cursor=" + page["next_cursor"].get<std::string>());
  }
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  const auto closed = [](const Market& each) {
    return each.closed_at != 0 && each.known_by == KnownBy::kGammaAndClob;
  };
  EXPECT_EQ(static_cast<std::ptrdiff_t>(seen.size()),
            std::count_if(world_->markets().begin(), world_->markets().end(), closed));
  const std::string cursor = GetJson(target)["next_cursor"];
  EXPECT_EQ(Get("/markets/keyset?closed=true&after_cursor=" + cursor).status, 422);
  EXPECT_EQ(Get("/markets/keyset?order=beauty").status, 422);
  const Json events = GetJson("/events/keyset?closed=true&order=closedTime&ascending=false");
  EXPECT_GE(events["events"][0]["closedTime"], events["events"][1]["closedTime"]);
}

TEST_F(GammaTest, TheListsByOffsetAreRetired) {
  for (const char* list : {"/markets", "/events"}) {
    const Response response = Get(std::string(list) + "?limit=5&closed=false");
    EXPECT_EQ(response.status, 410);
    EXPECT_TRUE(Json::parse(response.body).contains("error"));
  }
}

TEST_F(GammaTest, VolumesAreThoseOfTheFills) {
  const Market& market = Find([this](const Market& each) {
    return IsOpen(each) && !world_->FillsIn(world_->tokens()[each.tokens[0]].market).empty();
  });
  const std::uint32_t number = world_->tokens()[market.tokens[0]].market;
  const Json row = GetJson("/markets/" + market.id);
  EXPECT_NEAR(row["volumeNum"].get<double>(), static_cast<double>(world_->VolumeOf(number)) / 1e6,
              1e-3);
  EXPECT_EQ(std::stod(row["volume"].get<std::string>()), row["volumeNum"].get<double>());
}

TEST(GammaPositionsTest, MarketsOfProtocolV2HavePositionsAndShorterIds) {
  WorldOptions options;
  options.wallets = 10;
  options.fills = 100;
  options.markets = 60;
  options.positions_each = 3;
  const auto world = BuildWorld(options);
  EXPECT_GE(world->markets().size(), 60U);
  const Gamma gamma(*world, 0);
  const auto market = std::find_if(
      world->markets().begin(), world->markets().end(),
      [](const Market& each) { return each.has_positions && each.closed_at == 0 && IsOpen(each); });
  ASSERT_NE(market, world->markets().end());
  const std::string id = "0x" + market->condition_id.substr(4);
  const Json rows =
      Json::parse(gamma.Answer(ParseTarget("GET", "/markets/keyset?condition_ids=" + id)).body)
          .at("markets");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["conditionId"], id);
  EXPECT_EQ(rows[0]["version"], "v2");
  EXPECT_FALSE(rows[0].contains("clobTokenIds"));
  EXPECT_EQ(rows[0]["positionIds"][1], world->tokens()[market->tokens[1]].decimal);
}

TEST_F(GammaTest, TellsAnEventWithItsMarketsAndTags) {
  const Market& market = Find(IsOpen);
  const Event& event = world_->events()[market.event];
  const Json row = GetJson("/events/" + event.id);
  EXPECT_EQ(row["title"], event.title);
  EXPECT_EQ(row["tags"].size(), event.tags.size());
  EXPECT_FALSE(row["markets"].empty());
  EXPECT_EQ(GetJson("/tags").size(), world_->tags().size());
}

}  // namespace
}  // namespace sim
