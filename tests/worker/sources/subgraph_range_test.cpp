#include "worker/sources/subgraph_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/recorded.h"
#include "tests/worker/sources/subgraph_rows.h"

namespace worker::sources {
namespace {

using testing::HasSubstr;
using testing::Not;

class SubgraphRangeTest : public testing::Test {
 protected:
  common::Result<SubgraphRangePage> Read(const std::string& body) const {
    return ParseSubgraphRange(range_, position_, body);
  }
  SubgraphRangePage Walk(const std::string& body) {
    auto page = Read(body);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    position_ = page->position;
    return std::move(*page);
  }
  std::string Asked() const { return SubgraphRangeRequest("http://graph", range_, position_).body; }

  SubgraphRange range_{kThen - 100, kThen + 100};
  std::string position_;
};

TEST_F(SubgraphRangeTest, AsksForEveryMaker) {
  EXPECT_THAT(Asked(), HasSubstr("timestamp_gte:$t,timestamp_lte:$e"));
  EXPECT_THAT(Asked(), Not(HasSubstr("maker:")));
  EXPECT_THAT(Asked(), HasSubstr(fmt::format(R"("t":"{}","e":"{}")", kThen - 100, kThen + 100)));
  range_.to = common::kV1Cutover + 5;
  EXPECT_THAT(Asked(), HasSubstr(fmt::format(R"("e":"{}")", common::kV1Cutover)));
}

TEST_F(SubgraphRangeTest, AMatchIsOneTradeOfEachMaker) {
  Event taker{.tx = 1, .order = 2, .maker = kOther, .taker = kNegRisk};
  std::swap(taker.gives, taker.gets);
  std::swap(taker.given, taker.got);
  const SubgraphRangePage page = Walk(Answer({{}, taker}));
  ASSERT_EQ(page.trades.size(), 2U);
  EXPECT_EQ(page.trades[0].wallet.ToString(), kMaker);
  EXPECT_EQ(page.trades[0].trade.side, common::Side::kBuy);
  EXPECT_EQ(page.trades[1].wallet.ToString(), kOther);
  EXPECT_EQ(page.trades[1].trade.side, common::Side::kSell);
  EXPECT_EQ(page.trades[1].trade.role, common::Role::kTaker);
  EXPECT_EQ(page.hints.size(), 1U);
  EXPECT_EQ(page.position, "");
  EXPECT_EQ(page.through, range_.to);
}

TEST_F(SubgraphRangeTest, ASecondMaySpanPages) {
  const SubgraphRangePage page = Walk(Answer(FullPage(1)));
  EXPECT_EQ(page.through, kThen - 1);
  EXPECT_THAT(Asked(),
              HasSubstr("or:[{timestamp_gt:$t,timestamp_lte:$e},{timestamp:$t,id_gt:$i}]"));
  EXPECT_THAT(Asked(), HasSubstr(fmt::format(R"("i":"{}_{}")", Hash(1000), Hash(1))));
  EXPECT_FALSE(Read(Answer(FullPage(1))));
  EXPECT_EQ(Walk(Answer({{.tx = 1001}})).through, range_.to);
}

TEST_F(SubgraphRangeTest, EventsOutOfPlaceAreAFailure) {
  EXPECT_FALSE(Read(Answer({{.ts = kThen - 101}})));
  EXPECT_FALSE(Read(Answer({{.ts = kThen + 101}})));
  EXPECT_FALSE(Read(Answer({{.tx = 2}, {.tx = 1}})));
  EXPECT_FALSE(Read(R"({"errors":[{"message":"timeout"}]})"));
  EXPECT_FALSE(Read(R"({"data":{}})"));
  EXPECT_TRUE(Read(Answer({})));
}

TEST_F(SubgraphRangeTest, ARefusedEventIsToldWithItsMaker) {
  std::vector<Event> events = FullPage(1);
  events[5].got = "0";
  const SubgraphRangePage page = Walk(Answer(events));
  EXPECT_EQ(page.refused.size(), 1U);
  EXPECT_EQ(page.refused_of.size(), 1U);
  EXPECT_EQ(page.trades.size(), events.size() - 1);
}

TEST_F(SubgraphRangeTest, TheArchivesEndIsItsNewestEvent) {
  EXPECT_EQ(*ParseSubgraphNewest(R"({"data":{"orderFilledEvents":[{"timestamp":"1777374040"}]}})"),
            1777374040);
  EXPECT_FALSE(ParseSubgraphNewest(R"({"data":{"orderFilledEvents":[]}})"));
  EXPECT_THAT(SubgraphNewestRequest("http://graph").body, HasSubstr("orderDirection:desc"));
}

}  // namespace
}  // namespace worker::sources
