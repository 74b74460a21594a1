#include "worker/sources/holders_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;

std::string Holder(const std::string& wallet) {
  return R"({"proxy_wallet":")" + wallet + R"(","amount":1.5})";
}

std::string Holders(const std::string& holders, const std::string& next) {
  return List(R"({"token_id":"1","holders":[)" + holders + "]}", next);
}

const std::string kInMixedCase = "0xA5EF39c3d3e10d0b270233af41cac69796b12966";
const std::string kAdapter = "0xd91E80cF2E7be2e162c6513ceD06f1dD0dA35296";

TEST(HoldersPageTest, ReadsTheRecordedPage) {
  const auto body = Recorded("data_api_v2/holders.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  const auto page = ParseHoldersPage("", *body);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->wallets.size(), 4U);
  EXPECT_EQ(page->end.rows, 4U);
  EXPECT_THAT(HoldersRequest("http://data/v2", {}, EncodePageEnd(page->end)).url,
              HasSubstr("/holders?condition=0x0000"));
  EXPECT_THAT(HoldersRequest("http://data/v2", {}, EncodePageEnd(page->end)).url,
              HasSubstr("&limit=1000&cursor=eyJ"));
}

TEST(HoldersPageTest, EachWalletIsToldOnceAndContractsNever) {
  const auto page = ParseHoldersPage("", Holders(Holder(kWallet) + "," + Holder(kAdapter) + "," +
                                                     Holder(kInMixedCase) + "," + Holder(kWallet),
                                                 ""));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->wallets.size(), 2U);
  EXPECT_EQ(page->wallets[0].ToString(), kWallet);
  EXPECT_EQ(page->wallets[1].ToString(), "0xa5ef39c3d3e10d0b270233af41cac69796b12966");
}

TEST(HoldersPageTest, NobodyHoldsAnUnknownCondition) {
  for (const char* body :
       {R"({"data":null})", R"({"data":[],"pagination":{"has_more":false,"next_cursor":null}})"}) {
    const auto page = ParseHoldersPage("", body);
    ASSERT_TRUE(page) << body;
    EXPECT_TRUE(page->wallets.empty() && EncodePageEnd(page->end).empty());
  }
}

TEST(HoldersPageTest, AWalkThatStandsStillIsAFailure) {
  const auto page = ParseHoldersPage("", Holders(Holder(kWallet), "a"));
  const std::string position = EncodePageEnd(page->end);
  EXPECT_FALSE(ParseHoldersPage(position, Holders(Holder(kWallet), "b")));
  EXPECT_FALSE(ParseHoldersPage(position, Holders(Holder(kInMixedCase), "a")));
  EXPECT_TRUE(ParseHoldersPage(position, Holders(Holder(kInMixedCase), "b")));
}

TEST(HoldersPageTest, WhatIsNoPageIsAFailure) {
  for (const char* body : {"", "[]", "{}", R"({"error":"late"})", R"({"data":[7]})",
                           R"({"data":[{"holders":[]}],"pagination":{"has_more":true}})"}) {
    ASSERT_FALSE(ParseHoldersPage("", body)) << body;
    EXPECT_EQ(ParseHoldersPage("", body).error().kind, ErrorKind::kTransient) << body;
  }
  for (const std::string& body : {Holders(Holder("0x12"), ""), Holders("{}", "")}) {
    EXPECT_EQ(ParseHoldersPage("", body).error().kind, ErrorKind::kMalformed);
  }
  const std::string whole = Holders(Holder(kWallet), "a");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseHoldersPage("", whole.substr(0, size)));
  }
}

}  // namespace
}  // namespace worker::sources
