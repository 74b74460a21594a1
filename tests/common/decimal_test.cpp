#include "common/decimal.h"

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace common {
namespace {

TEST(ParseMillionthsTest, ReadsWhatJsonAllows) {
  EXPECT_EQ(ParseMillionths("22.84"), 22'840'000);
  EXPECT_EQ(ParseMillionths("5.0"), 5'000'000);
  EXPECT_EQ(ParseMillionths("0"), 0);
  EXPECT_EQ(ParseMillionths("1e-6"), 1);
  EXPECT_EQ(ParseMillionths("1.5E+3"), 1'500'000'000);
  EXPECT_EQ(ParseMillionths("0.0000000000000000e99999"), 0);
}

TEST(ParseMillionthsTest, RoundsHalfUpAtTheSeventhDecimal) {
  EXPECT_EQ(ParseMillionths("0.0000005"), 1);
  EXPECT_EQ(ParseMillionths("0.00000049999999999999999999999999999999999999999999"), 0);
  EXPECT_EQ(ParseMillionths("0.99999950000000000000000000000000000000000000000001"), 1'000'000);
  EXPECT_EQ(ParseMillionths("9e-7"), 1);
  EXPECT_EQ(ParseMillionths("9e-8"), 0);
  EXPECT_EQ(ParseMillionths("9e-99999"), 0);
}

TEST(ParseMillionthsTest, RefusesWhatIsNoSuchNumber) {
  for (const char* text : {"", "-1", "+1", ".5", "5.", "1e", "1e+", "1.2.3", "0x1", "1 ", " 1",
                           "nan", "1,5", "1e5x"}) {
    EXPECT_FALSE(ParseMillionths(text)) << text;
  }
  EXPECT_FALSE(ParseMillionths(std::string(300, '1')));
}

TEST(ParseMillionthsTest, RefusesWhatDoesNotFit) {
  EXPECT_EQ(ParseMillionths("9223372036854.775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(ParseMillionths("9223372036854.775808"));
  EXPECT_FALSE(ParseMillionths("9223372036854.7758075"));
  EXPECT_FALSE(ParseMillionths("1e99999"));
  EXPECT_FALSE(ParseMillionths("123456789012345678901234567890123456789012345"));
}

TEST(MultiplyDecimalsTest, IsExactUpToTheLastRounding) {
  EXPECT_EQ(MultiplyDecimals("100", "0.5"), 50'000'000);
  EXPECT_EQ(MultiplyDecimals("22.84", "0.67"), 15'302'800);
  EXPECT_EQ(MultiplyDecimals("3", "0.33333333333333333333"), 1'000'000);
  EXPECT_EQ(MultiplyDecimals("0.000001", "0.5"), 1);
  EXPECT_EQ(MultiplyDecimals("0.000001", "0.49999999999999999999"), 0);
  EXPECT_EQ(MultiplyDecimals("1234567.891234", "0.12345678901234567890"), 152'415'787'669);
  EXPECT_EQ(MultiplyDecimals("0", "1e900"), 0);
}

TEST(MultiplyDecimalsTest, RefusesOverflowAndNonsense) {
  EXPECT_FALSE(MultiplyDecimals("9223372036854", "2"));
  EXPECT_FALSE(MultiplyDecimals("12345678901234567890", "1.234567890123456789012"));
  EXPECT_FALSE(MultiplyDecimals("-1", "2"));
  EXPECT_FALSE(MultiplyDecimals("1", ""));
}

TEST(FormatMillionthsTest, IsAsShortAsItIsExact) {
  EXPECT_EQ(FormatMillionths(22'840'000), "22.84");
  EXPECT_EQ(FormatMillionths(5'000'000), "5");
  EXPECT_EQ(FormatMillionths(0), "0");
  EXPECT_EQ(FormatMillionths(-1), "-0.000001");
  EXPECT_EQ(FormatMillionths(std::numeric_limits<std::int64_t>::min()), "-9223372036854.775808");
}

}  // namespace
}  // namespace common
