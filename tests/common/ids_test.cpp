#include "common/ids.h"

#include <gtest/gtest.h>

namespace common {
namespace {

TEST(TokenIdTest, ReadsAndWritesA77DigitNumber) {
  const std::string text =
      "107562952936555819668737826428754978979556920505990557747611348541829551199040";
  const auto token = TokenId::ParseDecimal(text);
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->ToDecimal(), text);
}

TEST(TokenIdTest, KeepsZerosInTheMiddle) {
  for (const char* text :
       {"0", "1", "10000000000000000000", "100000000000000000000000000000000000001"}) {
    EXPECT_EQ(TokenId::ParseDecimal(text)->ToDecimal(), text);
  }
}

TEST(TokenIdTest, RefusesWhatIsNotA256BitNumber) {
  const std::string two_to_256 =
      "115792089237316195423570985008687907853269984665640564039457584007913129639936";
  EXPECT_FALSE(TokenId::ParseDecimal(two_to_256));
  EXPECT_FALSE(TokenId::ParseDecimal(""));
  EXPECT_FALSE(TokenId::ParseDecimal("12x"));
  EXPECT_FALSE(TokenId::ParseDecimal("-1"));
}

TEST(WalletAddressTest, ReadsAnyCaseAndWritesLowerCase) {
  const auto address = WalletAddress::Parse("0xC5D563A36AE78145C45A50134D48A1215220F80A");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->ToString(), "0xc5d563a36ae78145c45a50134d48a1215220f80a");
  EXPECT_FALSE(WalletAddress::Parse("0xC5D5"));
}

TEST(ConditionIdTest, PadsTheShortFormOfProtocolV2) {
  const auto id = ParseConditionId("0x" + std::string(62, 'a'));
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->ToString(), "0x00" + std::string(62, 'a'));
}

TEST(WorkerIdTest, RefusesPathsAndSpaces) {
  EXPECT_TRUE(ParseWorkerId("worker-1"));
  EXPECT_FALSE(ParseWorkerId("../x"));
  EXPECT_FALSE(ParseWorkerId("a b"));
  EXPECT_FALSE(ParseWorkerId(""));
}

}  // namespace
}  // namespace common
