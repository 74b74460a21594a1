#include "worker/sources/activity_page.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/data_api_list.h"
#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "worker/sources/data_api.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;
using testing::Not;

struct Happening {
  std::string kind = "REDEEM";
  common::UnixSeconds ts = kNow;
  int tx = 1;
  std::string token = "";
  std::string size = "22.84";
  std::string usdc = "22.84";
  std::string wallet = kWallet;
};

std::string RowOf(const Happening& row) {
  return fmt::format(
      R"({{"proxy_wallet":"{}","timestamp":{},"condition_id":"0x{:064x}","type":"{}","size":{},)"
      R"("usdc_size":{},"transaction_hash":"0x{:064x}","price":0,"token_id":"{}","side":"",)"
      R"("outcome_index":999,"outcome":""}})",
      row.wallet, row.ts, 7, row.kind, row.size, row.usdc, row.tx, row.token);
}

std::string Happenings(const std::vector<Happening>& rows, const std::string& next = "") {
  std::string list;
  for (const Happening& row : rows) list += (list.empty() ? "" : ",") + RowOf(row);
  return List(list, next);
}

class ActivityPageTest : public testing::Test {
 protected:
  std::string Url() const { return ActivityRequest("http://data/v2", wallet_, cursor_).url; }
  common::Result<ActivityPage> Read(const std::string& body) const {
    return ParseActivityPage(wallet_, cursor_, kHorizon, body);
  }
  ActivityPage Walk(const std::string& body) {
    auto page = Read(body);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    cursor_ = page->next;
    return std::move(*page);
  }

  common::WalletAddress wallet_ = *common::WalletAddress::Parse(kWallet);
  common::Cursor cursor_;
};

TEST_F(ActivityPageTest, AsksForEverythingButTrades) {
  for (const char* part : {"type=SPLIT,MERGE,REDEEM", "TIP", "sort_direction=DESC", "&start=1",
                           "exclude_deposits_withdrawals=false", "limit=1000", kWallet}) {
    EXPECT_THAT(Url(), HasSubstr(part));
  }
  EXPECT_THAT(Url(), Not(HasSubstr("TRADE")));
  const std::string first = Url();
  Walk(Happenings({{}}, "a="));
  EXPECT_EQ(Url(), first + "&cursor=a%3D");
}

TEST_F(ActivityPageTest, ReadsARedemptionWithoutAToken) {
  const ActivityPage page =
      Walk(Happenings({{}, {.kind = "SPLIT", .ts = kNow - 1, .token = "11"}}));
  ASSERT_EQ(page.rows.size(), 2U);
  EXPECT_EQ(page.rows[0].kind, ActivityKind::kRedeem);
  EXPECT_EQ(page.rows[0].usdc, 22'840'000);
  EXPECT_EQ(page.rows[0].token, std::nullopt);
  EXPECT_EQ(page.rows[0].condition, common::ParseConditionId(fmt::format("0x{:064x}", 7)));
  EXPECT_EQ(page.rows[1].token->ToDecimal(), "11");
  EXPECT_EQ(page.hints.size(), 1U);
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, kHorizon);
}

TEST_F(ActivityPageTest, RecordedTradesAreLeftToTheirOwnFeed) {
  const auto body = Recorded("data_api_v2/activity.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  const ActivityPage page = Walk(*body);
  EXPECT_TRUE(page.rows.empty() && page.refused.empty());
  EXPECT_FALSE(page.last);
}

TEST_F(ActivityPageTest, EveryKindHasItsName) {
  for (int kind = 1; kind <= 13; ++kind) {
    const auto it = static_cast<ActivityKind>(kind);
    EXPECT_EQ(ParseActivityKind(ToString(it)), it);
  }
  EXPECT_EQ(ParseActivityKind("TRADE"), std::nullopt);
}

TEST_F(ActivityPageTest, EqualRowsAreToldApartAcrossPages) {
  const ActivityPage kinds = *Read(Happenings({{.kind = "SPLIT"}, {.kind = "MERGE"}}));
  EXPECT_NE(kinds.rows[0].event_key, kinds.rows[1].event_key);
  const ActivityPage whole = *Read(Happenings({{}, {}, {}}));
  const ActivityPage first = Walk(Happenings({{}, {}}, "x"));
  const ActivityPage second = Walk(Happenings({{}}));
  EXPECT_EQ(first.rows[1], whole.rows[1]);
  EXPECT_EQ(second.rows[0], whole.rows[2]);
  EXPECT_NE(whole.rows[0].event_key, whole.rows[1].event_key);
}

TEST_F(ActivityPageTest, TheHeadIsReadAgainBeforeALongWalkEnds) {
  Walk(Happenings({{}}, "x"));
  EXPECT_FALSE(Walk(Happenings({{.ts = kNow - 9}})).last);
  EXPECT_THAT(Url(), HasSubstr(fmt::format("&start={}", kHorizon + 1 - kDataApiOverlap)));
  EXPECT_TRUE(Walk(Happenings({})).last);
  EXPECT_EQ(cursor_.complete_to, kHorizon);
  EXPECT_THAT(Url(), HasSubstr(fmt::format("&start={}", kHorizon + 1 - kDataApiOverlap)));
}

TEST_F(ActivityPageTest, UnknownKindsHoldCompletenessBack) {
  const ActivityPage page =
      Walk(Happenings({{.kind = "MIRACLE"}, {.ts = kNow - 5, .size = "1e30"}}));
  EXPECT_TRUE(page.rows.empty());
  EXPECT_EQ(page.refused.size(), 2U);
  EXPECT_EQ(page.next.complete_to, kNow - 6);
  EXPECT_NE(page.shortfall, "");
}

TEST_F(ActivityPageTest, ATokenThatCannotBeReadHoldsCompletenessBack) {
  const ActivityPage page = Walk(Happenings({{}, {.ts = kNow - 5, .token = "0xab"}}));
  EXPECT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.refused.size(), 1U);
  EXPECT_EQ(page.next.complete_to, kNow - 6);
}

TEST_F(ActivityPageTest, WhatIsNoPageIsAFailure) {
  for (const std::string& body :
       {Happenings({{.wallet = kStranger}}), Happenings({{.ts = kNow}, {.ts = kNow + 1}}),
        std::string(R"({"error":"late"})"), std::string(), std::string("[]"),
        Happenings({}, "x")}) {
    ASSERT_FALSE(Read(body)) << body;
    EXPECT_EQ(Read(body).error().kind, ErrorKind::kTransient);
  }
  const std::string whole = Happenings({{}, {}}, "x");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Read(whole.substr(0, size)));
  }
}

}  // namespace
}  // namespace worker::sources
