#include "worker/sources/subgraph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/recorded.h"
#include "tests/worker/sources/subgraph_rows.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using common::Role;
using common::Side;
using testing::HasSubstr;

class SubgraphTest : public testing::Test {
 protected:
  SubgraphTest() { cursor_.source = common::Source::kSubgraph; }

  common::Result<Page> Read(const std::string& body, const std::string& wallet = kMaker) const {
    return subgraph_.ParsePage(*common::WalletAddress::Parse(wallet), cursor_, horizon_, body);
  }
  Page Walk(const std::string& body) {
    auto page = Read(body);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    cursor_ = page->next;
    return std::move(*page);
  }
  std::string Asked() const {
    return subgraph_.PageRequest(*common::WalletAddress::Parse(kMaker), cursor_, horizon_).body;
  }
  void ExpectError(ErrorKind kind, const std::string& body) const {
    const auto page = Read(body);
    ASSERT_FALSE(page) << body;
    EXPECT_EQ(page.error().kind, kind) << page.error().message;
  }

  const Subgraph subgraph_{"http://graph"};
  common::Cursor cursor_;
  common::UnixSeconds horizon_ = common::kV1Cutover;
};

TEST_F(SubgraphTest, AComplementaryMatchIsOneTradeOfEachSide) {
  const common::Trade bought = Read(Answer({{}}))->trades.at(0);
  EXPECT_EQ(bought.side, Side::kBuy);
  EXPECT_EQ(bought.role, Role::kMaker);
  EXPECT_EQ(bought.size, 4'719'870'000);
  EXPECT_EQ(bought.usdc, 2'326'895'910);
  const Event taken{.order = 2,
                    .maker = kOther,
                    .taker = kNegRisk,
                    .gives = kToken,
                    .gets = "0",
                    .given = "4719870000",
                    .got = "2326895910"};
  const common::Trade sold = Read(Answer({taken}), kOther)->trades.at(0);
  EXPECT_EQ(sold.side, Side::kSell);
  EXPECT_EQ(sold.role, Role::kTaker);
  EXPECT_EQ(sold.usdc, bought.usdc);
  EXPECT_EQ(sold.size, bought.size);
}

TEST_F(SubgraphTest, AMintIsTwoPurchasesOfTwoTokens) {
  const Event maker{.given = "198755818", .got = "403155817"};
  const Event taker{.order = 2,
                    .maker = kOther,
                    .taker = kNegRisk,
                    .gets = "48335732",
                    .given = "204399999",
                    .got = "403155817"};
  const common::Trade first = Read(Answer({maker}))->trades.at(0);
  const common::Trade second = Read(Answer({taker}), kOther)->trades.at(0);
  EXPECT_EQ(first.side, Side::kBuy);
  EXPECT_EQ(second.side, Side::kBuy);
  EXPECT_NE(first.token, second.token);
  EXPECT_EQ(first.usdc + second.usdc, 403'155'817);
}

TEST_F(SubgraphTest, AWalletThatTradesWithItselfHasTwoTrades) {
  const Page page = Walk(Answer({{.order = 1, .taker = kMaker},
                                 {.order = 2, .taker = kNegRisk, .gives = kToken, .gets = "0"}}));
  ASSERT_EQ(page.trades.size(), 2U);
  EXPECT_EQ(page.trades[0].role, Role::kMaker);
  EXPECT_EQ(page.trades[1].role, Role::kTaker);
  EXPECT_NE(page.trades[0].event_key, page.trades[1].event_key);
  EXPECT_EQ(page.hints.size(), 1U);
}

TEST_F(SubgraphTest, TheFeeIsKeptAsItIsStated) {
  EXPECT_EQ(Walk(Answer({{.fee = "1234567"}})).trades.at(0).fee, 1'234'567);
}

TEST_F(SubgraphTest, AnErrorWithStatus200IsNeverAnEmptyPage) {
  for (const char* body :
       {R"({"errors":[{"message":"timeout"}]})", R"({"data":null,"errors":[{"message":"x"}]})",
        R"({"data":{"orderFilledEvents":[]},"errors":[{"message":"indexing"}]})", "{}", "",
        R"({"data":null})", R"({"data":{}})", R"({"data":{"orderFilledEvents":null}})"}) {
    ExpectError(ErrorKind::kTransient, body);
  }
}

TEST_F(SubgraphTest, ReadsTheRecordedError) {
  const auto body = Recorded("goldsky/graphql_syntax_error_http200.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  ExpectError(ErrorKind::kTransient, *body);
  EXPECT_THAT(Read(*body).error().message, HasSubstr("unexpected character"));
}

TEST_F(SubgraphTest, MakersMayBeObjects) {
  auto body = Recorded("goldsky/thegraph_variant_maker_as_object.json");
  if (!body) GTEST_SKIP() << "no recorded data";
  ExpectError(ErrorKind::kMalformed, *body);  // this query did not ask for all fields
  body->insert(body->find("\"orderHash\""), R"("fee":"0","makerAmountFilled":"5500000",)"
                                            R"("transactionHash":")" +
                                                Hash(1) + "\",");
  const auto page = Read(*body, "0x94e44831dfc1f9f5c1c9216e7c4af0af43b43b11");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->trades.at(0).role, Role::kTaker);
  EXPECT_EQ(page->trades.at(0).usdc, 5'500'000);
}

TEST_F(SubgraphTest, ASecondWithMoreEventsThanAPageIsReadToItsEnd) {
  const Page full = Walk(Answer(FullPage(0)));
  EXPECT_FALSE(full.last);
  EXPECT_EQ(full.next.complete_to, kThen - 1);
  EXPECT_THAT(Asked(), HasSubstr("id_gt:$i"));
  EXPECT_THAT(Asked(), HasSubstr(Hash(999) + "_" + Hash(1)));
  Walk(Answer(FullPage(1000)));
  const Page rest = Walk(Answer({{.tx = 2000}, {.tx = 3, .ts = kThen + 1}}));
  EXPECT_TRUE(rest.last);
  EXPECT_EQ(rest.trades.size(), 2U);
  EXPECT_EQ(rest.next.complete_to, common::kV1Cutover);
}

TEST_F(SubgraphTest, PagesThatAreNotSortedOrRepeatAreFailures) {
  ExpectError(ErrorKind::kTransient, Answer({{.ts = kThen + 1}, {.ts = kThen}}));
  ExpectError(ErrorKind::kTransient, Answer({{.tx = 2}, {.tx = 1}}));
  ExpectError(ErrorKind::kTransient, Answer({{}, {}}));
  Walk(Answer(FullPage(0)));
  ExpectError(ErrorKind::kTransient, Answer(FullPage(0)));
}

TEST_F(SubgraphTest, EventsThatWereNotAskedForAreFailures) {
  ExpectError(ErrorKind::kTransient, Answer({{.maker = kOther}}));
  ExpectError(ErrorKind::kTransient, Answer({{.ts = common::kV1Cutover + 1}}));
  cursor_.owned_from = kThen + 1;
  ExpectError(ErrorKind::kTransient, Answer({{.ts = kThen}}));
  std::vector<Event> too_many = FullPage(0);
  too_many.push_back({.tx = 5000});
  cursor_.owned_from = 0;
  ExpectError(ErrorKind::kTransient, Answer(too_many));
}

TEST_F(SubgraphTest, ACutAnswerNeverHasFewerRows) {
  const std::string body = Answer({{.tx = 1}, {.tx = 2}});
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(Read(body.substr(0, size))) << body.substr(0, size);
  }
}

TEST_F(SubgraphTest, EventsThatCannotBeTradesHoldCompletenessBack) {
  for (const Event& odd : {Event{.gives = "5"}, Event{.gets = "0"}, Event{.got = "0"},
                           Event{.given = "-1"}, Event{.got = "99999999999999999999"}}) {
    const auto page = Read(Answer({odd, {.tx = 2, .ts = kThen + 9}}));
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->trades.size(), 1U);
    EXPECT_EQ(page->refused.size(), 1U);
    EXPECT_EQ(page->next.complete_to, kThen - 1);
    EXPECT_THAT(page->shortfall, HasSubstr("cannot be a trade"));
  }
}

TEST_F(SubgraphTest, EvidenceIsShort) {
  const auto page = Read(Answer({{.given = std::string(5000, '9')}}));
  ASSERT_TRUE(page);
  EXPECT_LT(page->refused.at(0).size(), 1200U);
}

TEST_F(SubgraphTest, IdsThatWouldBreakOutOfTheQueryAreRefused) {
  std::string body = Answer({{}});
  ExpectError(ErrorKind::kMalformed, body.insert(body.find("0x"), "\\\"}"));
}

TEST_F(SubgraphTest, TheNewestEventIsTheHorizon) {
  const auto horizon = [&](const char* newest) {
    return subgraph_.ParseFreshness(
        fmt::format(R"({{"data":{{"orderFilledEvents":[{{"timestamp":"{}"}}]}}}})", newest), kThen);
  };
  EXPECT_EQ(*horizon("1777374040"), common::kV1Cutover);
  EXPECT_EQ(*horizon("1767600000"), 1'767'600'000);  // a deployment that stopped early
  EXPECT_EQ(*horizon("1799999999"), common::kV1Cutover);
  EXPECT_FALSE(subgraph_.ParseFreshness(R"({"data":{"orderFilledEvents":[]}})", kThen));
  EXPECT_FALSE(subgraph_.ParseFreshness(R"({"errors":[{"message":"x"}]})", kThen));
}

TEST_F(SubgraphTest, AFrozenSubgraphProvesNoMoreThanItHas) {
  horizon_ = 1'767'600'000;
  EXPECT_THAT(Asked(), HasSubstr(R"("e":"1767600000")"));
  const Page page = Walk(Answer({{}}));
  EXPECT_TRUE(page.last);
  EXPECT_EQ(page.next.complete_to, 1'767'600'000);
}

TEST_F(SubgraphTest, TheWalkEndsAtTheCutover) {
  horizon_ = common::kV1Cutover + 1'000'000;
  EXPECT_THAT(Asked(), HasSubstr(R"("e":"1777374040")"));
  EXPECT_EQ(Walk(Answer({})).next.complete_to, common::kV1Cutover);
}

}  // namespace
}  // namespace worker::sources
