#include "sim/data_api.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/text.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;

constexpr const char* kAll = "/v2/trades?taker_only=false&start=1&filter_amount=0.000001";

const World& SmallWorld() {
  static const auto world =
      BuildWorld({.seed = 4, .wallets = 30, .fills = 20'000, .whale_fills = 0, .recorded = ""});
  return *world;
}

class DataApiTest : public testing::Test {
 protected:
  Response Answer(const std::string& target, common::UnixSeconds now = kNow) {
    Request request = ParseTarget("GET", target);
    request.now = now;
    request.page_fault = fault_;
    return api_.Answer(request);
  }
  Json Ask(const std::string& target) {
    const Response response = Answer(target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    return Json::parse(response.body);
  }
  void ExpectRefusal(const std::string& target, const std::string& parameter) {
    const Response response = Answer(target);
    EXPECT_EQ(response.status, 400) << target;
    const Json body = Json::parse(response.body);
    EXPECT_EQ(body["code"], "invalid_request");
    EXPECT_EQ(body["parameter"], parameter) << target;
    EXPECT_FALSE(body["retryable"].get<bool>());
  }
  std::vector<Json> Walk(const std::string& target) {
    std::vector<Json> rows;
    std::string cursor;
    for (bool more = true; more;) {
      const Json page = Ask(target + cursor);
      rows.insert(rows.end(), page["data"].begin(), page["data"].end());
      more = page["pagination"]["has_more"];
      EXPECT_EQ(more, page["pagination"]["next_cursor"].is_string());
      if (more) cursor = "&cursor=" + page["pagination"]["next_cursor"].get<std::string>();
    }
    return rows;
  }
  std::string User(std::uint32_t wallet) const {
    return "&user=" + world_.wallets()[wallet].address.ToString();
  }
  template <typename Wanted>
  std::size_t Count(std::uint32_t wallet, const Wanted& wanted) const {
    const auto numbers = world_.FillsOf(wallet);
    return static_cast<std::size_t>(
        std::count_if(numbers.begin(), numbers.end(),
                      [&](FillNumber number) { return wanted(world_.fills()[number]); }));
  }

  const World& world_ = SmallWorld();
  DataApi api_{world_, 0};
  PageFault fault_ = PageFault::kNone;
};

TEST_F(DataApiTest, AWalkIsWholeAcrossABusySecondWithAnyPageSize) {
  const auto all = Count(1, [](const Fill&) { return true; });
  EXPECT_GT(all, 2500U);
  for (const char* limit : {"&limit=1000", "&limit=170", ""}) {
    EXPECT_EQ(Walk(kAll + User(1) + limit).size(), all) << limit;
  }
}

TEST_F(DataApiTest, RowsComeNewestFirst) {
  const auto rows = Walk(kAll + User(2) + "&limit=50");
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const Json& a, const Json& b) {
    return a["timestamp"] > b["timestamp"];
  }));
}

TEST_F(DataApiTest, DefaultsHideMakersDustAndWhatIsOld) {
  const auto three_years = kNow - 3 * 365 * 86'400 - 86'400;
  const auto taken = Count(0, [&](const Fill& fill) {
    return fill.role == common::Role::kTaker && fill.size >= 10'000 && fill.ts >= three_years;
  });
  EXPECT_EQ(Walk("/v2/trades?limit=1000" + User(0)).size(), taken);
  EXPECT_EQ(Walk("/v2/trades?limit=1000&start=0&filter_amount=0" + User(0)).size(), taken);
  const auto big = Count(0, [](const Fill& fill) { return fill.size >= 10'000; });
  EXPECT_EQ(Walk("/v2/trades?limit=1000&start=1&taker_only=false" + User(0)).size(), big);
  EXPECT_LT(big, Count(0, [](const Fill&) { return true; }));
  EXPECT_LT(taken, Count(0, [](const Fill& fill) { return fill.role == common::Role::kTaker; }));
}

TEST_F(DataApiTest, StartAndEndAreInclusive) {
  const std::int64_t first = common::kV1Cutover;
  const auto within =
      Count(0, [&](const Fill& fill) { return fill.ts >= first && fill.ts <= first + 1; });
  EXPECT_GT(within, 0U);
  const std::string window =
      "/v2/trades?taker_only=false&filter_amount=0.000001&start=1777374040&end=1777374041";
  EXPECT_EQ(Walk(window + User(0)).size(), within);
}

TEST_F(DataApiTest, WrongParametersAreRefusedByName) {
  ExpectRefusal("/v2/trades?limit=1001", "limit");
  ExpectRefusal("/v2/trades?limit=0", "limit");
  ExpectRefusal("/v2/trades?limit=x", "limit");
  ExpectRefusal("/v2/trades?offset=0", "offset");
  ExpectRefusal("/v2/trades?user=0x12", "user");
  ExpectRefusal("/v2/trades?user=0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E", "user");
  ExpectRefusal("/v2/trades?taker_only=no", "taker_only");
  ExpectRefusal("/v2/trades?side=buy", "side");
  ExpectRefusal("/v2/trades?filter_amount=-1", "filter_amount");
  ExpectRefusal("/v2/trades?filter_type=SHARES", "filter_type");
  ExpectRefusal("/v2/trades?start=yesterday", "start");
  ExpectRefusal("/v2/trades?condition=0x12", "condition");
  ExpectRefusal("/v2/trades?cursor=abc", "cursor");
}

TEST_F(DataApiTest, ParametersThatNobodyKnowsAreIgnored) {
  EXPECT_EQ(Ask(kAll + User(0) + "&sort=asc&page=3"), Ask(kAll + User(0)));
}

TEST_F(DataApiTest, ACursorIsSignedAndFixesThePageSize) {
  const std::string cursor =
      Ask(kAll + User(0) + "&limit=7")["pagination"]["next_cursor"].get<std::string>();
  const Json next = Ask(kAll + User(0) + "&limit=500&cursor=" + cursor);
  EXPECT_EQ(next["data"].size(), 7U);
  EXPECT_EQ(next["pagination"]["limit"], 7);
  for (std::size_t i = 0; i + 2 < cursor.size(); i += 9) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(Answer(kAll + User(0) + "&cursor=" + changed).status, 400) << i;
  }
}

TEST_F(DataApiTest, ACursorDoesNotHoldTheFilters) {
  const std::string cursor =
      Ask(kAll + User(0) + "&limit=50")["pagination"]["next_cursor"].get<std::string>();
  const Json with = Ask(kAll + User(0) + "&cursor=" + cursor);
  const Json without = Ask("/v2/trades?start=1" + User(0) + "&cursor=" + cursor);
  EXPECT_NE(with["data"], without["data"]);
}

TEST_F(DataApiTest, StrangersHaveNoRowsAndOldRoutesAreGone) {
  const Json page = Ask("/v2/trades?user=0x00000000000000000000000000000000000000aa");
  EXPECT_TRUE(page["data"].is_null());
  EXPECT_FALSE(page["pagination"]["has_more"].get<bool>());
  for (const char* path : {"/trades", "/positions", "/activity"}) {
    EXPECT_EQ(Answer(path).status, 410) << path;
  }
  EXPECT_EQ(Answer("/v2/nothing").status, 404);
}

TEST_F(DataApiTest, FreshRowsAreNotLabelledYet) {
  const Json row = Ask("/v2/trades?limit=1&taker_only=false")["data"][0];
  EXPECT_EQ(row["outcome_index"], kUnlabelledOutcome);
  EXPECT_EQ(row["event_slug"], "");
  EXPECT_NE(row["title"], "");
}

TEST_F(DataApiTest, ARowHasTheKeysOfARecordedOne) {
  Json row = Ask(kAll + User(0) + "&limit=1")["data"][0];
  for (const char* key :
       {"proxy_wallet", "side", "token_id", "condition_id", "size", "price", "timestamp", "title",
        "slug", "icon", "event_slug", "outcome", "outcome_index", "name", "pseudonym", "bio",
        "profile_image", "profile_image_optimized", "transaction_hash"}) {
    EXPECT_EQ(row.erase(key), 1U) << key;
  }
  EXPECT_TRUE(row.empty()) << row;
}

TEST_F(DataApiTest, AConditionTellsTheFillsOfAllItsWallets) {
  const Market& market = world_.markets()[0];
  const auto rows =
      Walk("/v2/trades?taker_only=false&filter_amount=0.000001&limit=1000&condition=" +
           market.condition_id);
  const auto oldest = kNow - 3 * 365 * 86'400 - 86'400;
  const auto numbers = world_.FillsIn(0);
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(
                             std::count_if(numbers.begin(), numbers.end(), [&](FillNumber number) {
                               return world_.fills()[number].ts >= oldest;
                             })));
}

TEST_F(DataApiTest, AnEmptyPageLeadsOnToTheRowsItHid) {
  fault_ = PageFault::kEmpty;
  const Json empty = Ask(kAll + User(5) + "&limit=100");
  EXPECT_TRUE(empty["data"].empty());
  EXPECT_TRUE(empty["pagination"]["has_more"].get<bool>());
  fault_ = PageFault::kNone;
  const std::string cursor = empty["pagination"]["next_cursor"];
  EXPECT_EQ(Ask(kAll + User(5) + "&cursor=" + cursor)["data"],
            Ask(kAll + User(5) + "&limit=100")["data"]);
}

TEST_F(DataApiTest, TheStatusSaysHowOldItIs) {
  EXPECT_LT(Ask("/v2/status")["data"]["age_seconds"], 60);
  EXPECT_LT(Ask("/v2/status")["data"]["serving"]["lag_seconds"], 60);
  fault_ = PageFault::kLagging;
  EXPECT_GT(Ask("/v2/status")["data"]["age_seconds"], 3600);
}

TEST(DataApiCacheTest, AFirstPageIsAsOldAsItsCacheAndTheOthersAreFresh) {
  const auto world =
      BuildWorld({.seed = 4, .wallets = 3, .fills = 300, .whale_fills = 0, .recorded = ""});
  DataApi api(*world, 300);
  const auto newest = [&](common::UnixSeconds now) {
    Request request = ParseTarget("GET", "/v2/trades?taker_only=false&limit=1");
    request.now = now;
    return Json::parse(api.Answer(request).body)["data"][0]["timestamp"].get<std::int64_t>();
  };
  const auto before = newest(kNow);
  LiveFeed feed(*world, 100);
  feed.Grow(kNow * 1000);
  feed.Grow((kNow + 1) * 1000);
  EXPECT_EQ(newest(kNow + 1), before);
  EXPECT_EQ(newest(kNow + 300), kNow + 1);
}

}  // namespace
}  // namespace sim
