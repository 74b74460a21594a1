#include "worker/sources/resolutions_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/recorded.h"
#include "worker/sources/gamma_tags.h"

namespace worker::sources {
namespace {

using Payouts = std::vector<std::int64_t>;

const std::string kText = "0x789f0872f66cfffd21a33020e5c90e11f95f947e03be77ac2df7e86b0cb71527";
const std::vector<common::ConditionId> kAsked{*common::ParseConditionId(kText)};

common::Result<std::vector<ResolutionRow>> Resolved(const std::string& payouts) {
  return ParseResolutions(kAsked, R"({"data":[{"condition_id":")" + kText +
                                      R"(","status":"resolved","payouts":)" + payouts + "}]}");
}

TEST(ResolutionsPageTest, ReadsTheRecordedEnd) {
  const auto body = Recorded("data_api_v2/resolutions_resolved.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  const auto rows = ParseResolutions(kAsked, *body);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().resolution,
            (store::Resolution{store::ResolutionSource::kDataApi, {1'000'000, 0}, 1788988759}));
}

TEST(ResolutionsPageTest, PendingOnesHaveNoEnd) {
  const auto body = Recorded("data_api_v2/resolutions_pending.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  std::vector<common::ConditionId> asked;
  for (const char* text : {"0x01579d0b4d0648c373ccf83cf1619ede0483f1e8919b4b76fe79a13e2ac2dddd",
                           "0x2458f124d8c37c68c7b0119078c5a8ba70beb840dcd90ee1aeca63c88abebbfd"}) {
    asked.push_back(*common::ParseConditionId(text));
  }
  const auto rows = ParseResolutions(asked, *body);
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).status, "disputed");
  for (const ResolutionRow& row : *rows) EXPECT_FALSE(row.resolution);
}

TEST(ResolutionsPageTest, PayoutsMayBeShared) {
  EXPECT_EQ(Resolved("[500000,500000]")->at(0).resolution->payouts, (Payouts{500'000, 500'000}));
  EXPECT_FALSE(Resolved("[]")->at(0).resolution);
  EXPECT_FALSE(Resolved("null")->at(0).resolution);
  for (const char* payouts : {"[0,0]", "[-1,1]", "[0.5,0.5]", R"(["1","0"])", "7"}) {
    const auto rows = Resolved(payouts);
    ASSERT_TRUE(rows) << payouts;
    EXPECT_FALSE(rows->at(0).resolution) << payouts;
    EXPECT_TRUE(rows->at(0).has_bad_payouts) << payouts;
  }
}

TEST(ResolutionsPageTest, BadPayoutsCostNoOtherRow) {
  const std::string other = "0x" + std::string(63, '0') + "7";
  const auto row = [](const std::string& condition, const char* status, const char* payouts) {
    return R"({"payouts":)" + std::string(payouts) + R"(,"condition_id":")" + condition +
           R"(","status":")" + status + R"("})";
  };
  for (const char* payouts : {"[0,0]", "[0.5,0.5]", R"([{"a":[1]},"0"])", R"({"a":[1]})"}) {
    const auto rows = ParseResolutions({kAsked[0], *common::ParseConditionId(other)},
                                       R"({"data":[)" + row(kText, "proposed", payouts) + "," +
                                           row(kText, "resolved", payouts) + "," +
                                           row(other, "resolved", "[0,1000000]") + "]}");
    ASSERT_TRUE(rows) << payouts << rows.error().message;
    EXPECT_FALSE(rows->at(0).has_bad_payouts) << payouts;
    EXPECT_TRUE(rows->at(1).has_bad_payouts) << payouts;
    EXPECT_EQ(rows->at(2).resolution->payouts, (Payouts{0, 1'000'000})) << payouts;
  }
  EXPECT_FALSE(Resolved("[1,"));
  EXPECT_FALSE(Resolved("[1 0]"));
}

TEST(ResolutionsPageTest, WhatWasNotAskedForIsAFailure) {
  EXPECT_FALSE(ParseResolutions({common::ConditionId{}},
                                R"({"data":[{"condition_id":")" + kText + R"(","status":"x"}]})"));
  EXPECT_FALSE(ParseResolutions(kAsked, R"({"error":"late"})"));
  EXPECT_FALSE(ParseResolutions(kAsked, ""));
  EXPECT_TRUE(ParseResolutions(kAsked, R"({"data":[]})")->empty());
  EXPECT_EQ(ResolutionsRequest("http://data/v2", {kAsked[0], kAsked[0]}).url,
            "http://data/v2/resolutions?condition=" + kText + "," + kText);
}

TEST(GammaTagsTest, ReadsTheRecordedTags) {
  const auto body = Recorded("gamma/gamma_tags.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  const auto tags = ParseGammaTags(*body);
  ASSERT_TRUE(tags);
  ASSERT_EQ(tags->size(), 5U);
  EXPECT_EQ(tags->front(),
            (GammaTag{"101259", "Health and Human Services", "health-and-human-services"}));
}

TEST(GammaTagsTest, WhatIsNoListIsAFailure) {
  for (const char* body : {"", "{}", R"({"error":"late"})", "[{}"}) {
    EXPECT_FALSE(ParseGammaTags(body)) << body;
  }
  EXPECT_TRUE(ParseGammaTags("[{},7]")->empty());
  EXPECT_EQ(GammaTagsRequest("http://gamma", 200).url, "http://gamma/tags?limit=100&offset=200");
}

}  // namespace
}  // namespace worker::sources
