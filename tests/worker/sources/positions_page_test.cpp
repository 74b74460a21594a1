#include "worker/sources/positions_page.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;

const common::WalletAddress kOwner = *common::WalletAddress::Parse(kWallet);
const PositionsQuery kOpen{.wallet = kOwner};

std::string PositionRow(const std::string& token, const std::string& more = "") {
  return R"({"proxy_wallet":"0x379A410A36C101E3B8DFB6C90D1176EB0DEF4B1A","token_id":")" + token +
         "\"" + more + "}";
}

TEST(PositionsPageTest, ReadsTheRecordedPages) {
  const auto open = Recorded("data_api_v2/positions_open.json");
  const auto closed = Recorded("data_api_v2/positions_closed.json");
  if (!open || !closed) GTEST_SKIP() << "no recorded data";
  const auto page = ParsePositionsPage(kOpen, "", *open);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->positions.size(), 2U);
  const Position& position = page->positions[1];
  EXPECT_EQ(position.size, 35'440'000);
  EXPECT_EQ(position.total_size, 35'440'000);
  EXPECT_EQ(position.avg_price, 550'000);
  EXPECT_EQ(position.entry_cost, 19'492'000);
  EXPECT_EQ(position.entry_fees, 438'570);
  EXPECT_EQ(position.current_value, 18'251'600);
  EXPECT_EQ(position.unrealized_pnl, -1'240'400);
  EXPECT_EQ(position.status, "OPEN");
  EXPECT_EQ(position.outcome, "No");
  EXPECT_EQ(position.outcome_index, 1);
  EXPECT_EQ(position.last_event_at, 1791309723);
  EXPECT_FALSE(page->end.next_cursor.empty());
  const auto done = ParsePositionsPage(kOpen, "", *closed);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->positions[0].realized_pnl, 281'108'800);
  EXPECT_EQ(done->positions[0].total_size, 449'700'000);
}

TEST(PositionsPageTest, AsksByWalletOrConditionAndStatus) {
  EXPECT_EQ(PositionsRequest("http://data/v2", kOpen, "").url,
            "http://data/v2/positions?status=OPEN&limit=1000&user=" + kOwner.ToString());
  const PositionsQuery closed{.condition = common::ConditionId{},
                              .status = PositionStatus::kClosed};
  EXPECT_THAT(PositionsRequest("http://data/v2", closed, "").url,
              HasSubstr("status=CLOSED&limit=1000&condition=0x00"));
  const auto page = ParsePositionsPage(kOpen, "", List(PositionRow("1"), "n="));
  EXPECT_THAT(PositionsRequest("http://data/v2", kOpen, EncodePageEnd(page->end)).url,
              HasSubstr("&cursor=n%3D"));
}

TEST(PositionsPageTest, MissingAmountsAreNotZero) {
  const auto page = ParsePositionsPage(kOpen, "", List(PositionRow("1", R"(,"avg_price":null)")));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->positions[0].avg_price, std::nullopt);
  EXPECT_EQ(page->positions[0].size, std::nullopt);
}

TEST(PositionsPageTest, RowsThatCannotBeReadAreTold) {
  EXPECT_EQ(ParsePositionsPage(kOpen, "", List(PositionRow("x")))->refused.size(), 1U);
  for (const char* more : {R"(,"avg_price":"0.5")", R"(,"avg_price":1e99)"}) {
    const auto page = ParsePositionsPage(kOpen, "", List(PositionRow("1", more)));
    ASSERT_FALSE(page) << more;
    EXPECT_EQ(page.error().kind, ErrorKind::kMalformed);
  }
}

TEST(PositionsPageTest, WhatIsNoPageIsAFailure) {
  const PositionsQuery other{.wallet = common::WalletAddress{}};
  EXPECT_FALSE(ParsePositionsPage(other, "", List(PositionRow("1"))));
  for (const char* body : {"", "{}", R"({"error":"late"})", R"({"data":[7]})"}) {
    EXPECT_FALSE(ParsePositionsPage(kOpen, "", body)) << body;
  }
  const auto page = ParsePositionsPage(kOpen, "", List(PositionRow("1"), "a"));
  const std::string position = EncodePageEnd(page->end);
  EXPECT_FALSE(ParsePositionsPage(kOpen, position, List(PositionRow("1"), "b")));
  EXPECT_FALSE(ParsePositionsPage(kOpen, position, List(PositionRow("2"), "a")));
  EXPECT_TRUE(ParsePositionsPage(kOpen, position, List(PositionRow("2"))));
  EXPECT_TRUE(ParsePositionsPage(kOpen, "", R"({"data":null})")->positions.empty());
}

TEST(ValueTest, IsReadExactly) {
  const auto body = Recorded("data_api_v2/value.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  EXPECT_EQ(*ParseValue(kOwner, *body), 844'429'500);
  EXPECT_FALSE(ParseValue({}, *body));  // another wallet's
}

TEST(ValueTest, AnUnknownWalletHasNone) {
  EXPECT_EQ(*ParseValue(kOwner, R"({"data":null})"), std::nullopt);
  for (const char* body : {"", "{}", R"({"error":"late"})", R"({"data":{}})", R"({"data":[]})"}) {
    EXPECT_FALSE(ParseValue(kOwner, body)) << body;
  }
}

}  // namespace
}  // namespace worker::sources
