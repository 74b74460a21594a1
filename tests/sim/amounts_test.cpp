#include "sim/amounts.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/decimal.h"
#include "sim/random.h"
#include "sim/text.h"

namespace sim {
namespace {

std::string Price(std::int64_t size, std::int64_t usdc) {
  std::string text;
  AppendPrice(text, size, usdc, true);
  return text;
}

std::string Size(std::int64_t millionths) {
  std::string text;
  AppendMillionths(text, millionths, true);
  return text;
}

TEST(AmountsTest, PricesAreAsShortAsTheyCanBe) {
  EXPECT_EQ(Price(22'840'000, 11'876'800), "0.52");
  EXPECT_EQ(Price(5'000'000, 10'000), "0.002");
  EXPECT_EQ(Price(4'719'870'000, 2'326'895'910), "0.493");
  EXPECT_EQ(Price(3'000'000, 1'000'000), "0.3333333");
  EXPECT_EQ(Price(7, 7), "1.0");
  EXPECT_EQ(Price(9'999, 1), "0.0001");
}

TEST(AmountsTest, SizeTimesPriceGivesTheUsdcBack) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::int64_t reach = 10;
    for (auto zeros = random.Below(12); zeros > 0; --zeros) reach *= 10;
    const std::int64_t size = random.Between(1, reach);
    const std::int64_t usdc = random.Between(1, size);
    const auto product = common::MultiplyDecimals(Size(size), Price(size, usdc));
    ASSERT_EQ(product.value_or(-1), usdc) << size << ' ' << Price(size, usdc);
  }
}

TEST(AmountsTest, TheRecordedFeesOfV2FollowTheFormula) {
  const char* named = std::getenv("SEINE_SHARED_DATA");
  const std::string data = named != nullptr ? named : SEINE_SOURCE_DIR "/../shared/data";
  std::ifstream file(data + "/onchain/orderfilled_v2_taker_leg_amounts_fees.json");
  if (!file) GTEST_SKIP() << "the recorded fees are not here";
  const auto legs = nlohmann::json::parse(file);
  EXPECT_EQ(legs.size(), 21U);
  for (const auto& leg : legs) {
    const auto number = [&leg](const char* key) {
      return ParseInteger(leg[key].get<std::string>()).value_or(-1);
    };
    const bool buys = leg["side"] == "BUY";
    const std::int64_t gives = number("maker_amount_filled");
    const std::int64_t gets = number("taker_amount_filled");
    const std::int64_t rate = ParseMillionths(leg["fee_rate"].get<std::string>()).value_or(-1);
    EXPECT_EQ(FeeV2(buys ? gets : gives, buys ? gives : gets, rate / 1000), number("fee")) << leg;
  }
}

TEST(AmountsTest, TheFeeOfTheWorkedExample) {
  EXPECT_EQ(FeeV2(10'000'000, 8'000'000, 72), 115'200);
  EXPECT_EQ(FeeV2(22'840'000, 11'876'800, 50), 285'040);
  EXPECT_EQ(FeeV2(10, 10, 72), 0);
}

}  // namespace
}  // namespace sim
