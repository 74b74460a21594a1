#include "common/contracts.h"

#include <set>

#include <gtest/gtest.h>

namespace common {
namespace {

WalletAddress Address(std::string_view text) {
  return WalletAddress::Parse(text).value();
}

TEST(ContractsTest, KnowsTheExchangesInAnyCase) {
  EXPECT_TRUE(IsExchange(Address("0xE111180000d2663C0091e4f400237545B87B996B")));
  EXPECT_TRUE(IsExchange(Address("0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E")));
  EXPECT_TRUE(IsExchange(Address("0xC5d563A36AE78145C45a50134d48A1215220f80a")));
  EXPECT_FALSE(IsExchange(Address("0x4d97dcd97ec945f40cf65f87097ace5ea0476045")));
}

TEST(ContractsTest, ContractsAreNoWallets) {
  EXPECT_TRUE(IsContract(Address("0x4d97dcd97ec945f40cf65f87097ace5ea0476045")));
  EXPECT_TRUE(IsContract(Address("0xC5d563A36AE78145C45a50134d48A1215220f80a")));
  EXPECT_TRUE(IsContract(WalletAddress{}));
  EXPECT_FALSE(IsContract(Address("0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a")));
}

TEST(ContractsTest, TheListIsPlain) {
  std::set<WalletAddress> seen;
  for (const Contract& contract : kContracts) {
    EXPECT_TRUE(seen.insert(Address(contract.address)).second) << contract.name;
    EXPECT_EQ(Address(contract.address).ToString(), contract.address);
  }
}

}  // namespace
}  // namespace common
