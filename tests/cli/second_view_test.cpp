#include "cli/second_view.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(SecondViewTest, PositionsAreReadByToken) {
  BoughtByToken bought;
  const auto next =
      AddPositions(R"({"data":[{"token_id":"7","total_size":22.84,"last_event_at":1700}],)"
                   R"("pagination":{"has_more":true,"next_cursor":"abc"}})",
                   bought);
  EXPECT_EQ(next.value(), "abc");
  EXPECT_EQ(bought.at("7").total, 22'840'000);
  EXPECT_EQ(bought.at("7").last_event_at, 1700);
}

TEST(SecondViewTest, ABodyOfAnotherFormIsRefused) {
  BoughtByToken bought;
  for (const char* body : {"", "[]", R"({"data":[{"token_id":7}]})", R"({"data":[]})"}) {
    EXPECT_FALSE(AddPositions(body, bought).has_value()) << body;
  }
}

TEST(SecondViewTest, TheVolumeIsThatOfTheCondition) {
  const std::string body = R"({"markets":[{"conditionId":"0xaa","volume":"1.5","closed":true},)"
                           R"({"conditionId":"0xbb","volume":"9","closed":false}]})";
  EXPECT_EQ(FindVolume(body, "0xbb").value()->volume, 9'000'000);
  EXPECT_TRUE(FindVolume(body, "0xaa").value()->is_closed);
  EXPECT_FALSE(FindVolume(body, "0xcc").value().has_value());
}

TEST(SecondViewTest, TradesOfAConditionCountWithinTheirTime) {
  ConditionCount count;
  const auto next = AddTrades(
      R"({"data":[{"size":1.5,"timestamp":10},{"size":2,"timestamp":20},{"size":4,"timestamp":31}],)"
      R"("pagination":{"has_more":false}})",
      11, 30, count);
  EXPECT_EQ(next.value(), "");
  EXPECT_EQ(count, (ConditionCount{1, 2'000'000}));
  EXPECT_FALSE(AddTrades(R"({"data":[{"size":1}]})", 0, 9, count).has_value());
}

TEST(SecondViewTest, LessThanTheVolumeIsTooLittle) {
  constexpr std::int64_t kUsd = 1'000'000;
  EXPECT_TRUE(AgreesWithVolume(1000 * kUsd, 1000 * kUsd));
  EXPECT_TRUE(AgreesWithVolume(2000 * kUsd, 1000 * kUsd));
  EXPECT_FALSE(AgreesWithVolume(990 * kUsd, 1000 * kUsd));
}

}  // namespace
}  // namespace cli
