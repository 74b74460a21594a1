#include "cli/wallet_list.h"

#include <sstream>

#include <gtest/gtest.h>

namespace cli {
namespace {

constexpr char kFirst[] = "0x1111111111111111111111111111111111111111";
constexpr char kSecond[] = "0x2222222222222222222222222222222222222abc";

WalletList Read(const std::string& text) {
  WalletList list;
  std::istringstream lines(text);
  list.AddLines(lines, "wallets.txt");
  return list;
}

TEST(WalletListTest, BlankLinesCommentsAndCaseDoNotMatter) {
  const WalletList list = Read(
      "\xEF\xBB\xBF# whales\n\n  0X2222222222222222222222222222222222222ABC  # a friend\r\n"
      "\t0x1111111111111111111111111111111111111111\n");
  EXPECT_TRUE(list.complaints.empty());
  ASSERT_EQ(list.wallets.size(), 2U);
  EXPECT_EQ(list.wallets.begin()->ToString(), kFirst);
  EXPECT_EQ(list.wallets.rbegin()->ToString(), kSecond);
}

TEST(WalletListTest, DuplicatesAreMerged) {
  const WalletList list = Read(std::string(kFirst) + "\n" + kFirst + "\n");
  EXPECT_EQ(list.wallets.size(), 1U);
}

TEST(WalletListTest, EveryBadLineIsNamed) {
  const WalletList list = Read(std::string(kFirst) + "\nvitalik.eth\n\n0x12\n" + kSecond);
  ASSERT_EQ(list.complaints.size(), 2U);
  EXPECT_EQ(list.complaints[0],
            "wallets.txt line 2: 'vitalik.eth' is not an address (0x and 40 hex digits)");
  EXPECT_EQ(list.complaints[1].substr(0, 26), "wallets.txt line 4: '0x12'");
}

TEST(WalletListTest, TheSameWalletsHaveTheSameNameInAnyOrder) {
  const std::string one = std::string(kFirst) + "\n" + kSecond + "\n";
  const std::string other = std::string(kSecond) + "\n" + kFirst + "\n" + kFirst;
  EXPECT_EQ(Read(one).Selection(), Read(other).Selection());
  EXPECT_NE(Read(one).Selection(), Read(kFirst).Selection());
  EXPECT_EQ(Read(one).Selection().size(), 32U);
}

TEST(WalletListTest, PiecesHoldEachOnce) {
  const std::vector<std::string> pieces = Read(std::string(kFirst) + "\n" + kSecond).Pieces(1);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0] + pieces[1], std::string(kFirst) + "\n" + kSecond + "\n");
  EXPECT_EQ(Read(std::string(kFirst) + "\n" + kSecond).Pieces(100).size(), 1U);
}

}  // namespace
}  // namespace cli
