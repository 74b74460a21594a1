#include "sim/subgraph.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/text.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<std::string>;

// Wallet 1 has 2,500 fills in one second.
const World& BigWorld() {
  static const auto world =
      BuildWorld({.seed = 9, .wallets = 30, .fills = 20'000, .whale_fills = 0, .recorded = ""});
  return *world;
}

class SubgraphTest : public testing::Test {
 protected:
  Json Ask(const std::string& query, const Json& variables = Json::object()) {
    Request request = ParseTarget("POST", "/");
    request.body = Json{{"query", query}, {"variables", variables}}.dump();
    request.now = kNow;
    request.page_fault = fault_;
    const Response response = subgraph_.Answer(request);
    fault_done_ = response.page_fault_done;
    EXPECT_EQ(response.status, 200);
    return Json::parse(response.body);
  }

  Ids Events(const std::string& arguments, const Json& variables = Json::object()) {
    const Json body = Ask("query Q($m: String, $t: BigInt, $i: ID) { e: orderFilledEvents(" +
                              arguments + ") { id timestamp } }",
                          variables);
    Ids ids;
    EXPECT_TRUE(body.contains("data")) << body;
    for (const Json& row : body["data"]["e"]) {
      ids.push_back(row["id"]);
      last_second_ = row["timestamp"];
    }
    return ids;
  }

  void ExpectError(const std::string& query) {
    const Json body = Ask(query);
    EXPECT_TRUE(body.contains("errors") && !body.contains("data")) << query << body;
  }

  // All of a wallet's events, in the order of (timestamp, id).
  Ids Expected(std::uint32_t wallet) const {
    Ids ids;
    for (const FillNumber number : world_.ArchiveOf(wallet)) {
      const Fill& fill = world_.fills()[number];
      ids.push_back(Hex(world_.TxHash(fill)) + "_" + Hex(world_.OrderHash(fill)));
    }
    return ids;
  }

  std::string Address(std::uint32_t wallet) const {
    return world_.wallets()[wallet].address.ToString();
  }

  const World& world_ = BigWorld();
  Subgraph subgraph_{world_};
  PageFault fault_ = PageFault::kNone;
  bool fault_done_ = false;
  std::string last_second_ = "0";
};

TEST_F(SubgraphTest, TheCursorOfTimeAndIdCrossesASecondOfManyPages) {
  const char* arguments =
      "first: 1000, orderBy: timestamp, orderDirection: asc, where: {or: [{maker: $m, "
      "timestamp_gt: $t}, {maker: $m, timestamp: $t, id_gt: $i}]}";
  Ids all;
  for (Ids page(1); !page.empty(); all.insert(all.end(), page.begin(), page.end())) {
    const std::string last = all.empty() ? "" : all.back();
    page = Events(arguments, {{"m", Address(1)}, {"t", last_second_}, {"i", last}});
  }
  EXPECT_GT(all.size(), 2500U);
  EXPECT_EQ(all, Expected(1));
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST_F(SubgraphTest, ASecondIsDrainedById) {
  std::map<std::uint32_t, std::size_t> seconds;
  for (const FillNumber number : world_.ArchiveOf(1)) ++seconds[world_.fills()[number].ts];
  const auto busiest =
      std::max_element(seconds.begin(), seconds.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_GE(busiest->second, 2500U);
  Ids all;
  for (Ids page(1); !page.empty(); all.insert(all.end(), page.begin(), page.end())) {
    page = Events("first: 1000, orderBy: id, where: {maker: $m, timestamp: $t, id_gt: $i}",
                  {{"m", Address(1)},
                   {"t", std::to_string(busiest->first)},
                   {"i", all.empty() ? "" : all.back()}});
  }
  EXPECT_EQ(all.size(), busiest->second);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(SubgraphTest, AWalkBackIsTheWalkForthReversed) {
  Ids forth = Events("first: 1000, orderBy: timestamp, where: {maker: $m}", {{"m", Address(20)}});
  const Ids back =
      Events("first: 1000, orderBy: timestamp, orderDirection: desc, where: {maker: $m}",
             {{"m", Address(20)}});
  ASSERT_FALSE(forth.empty());
  std::reverse(forth.begin(), forth.end());
  EXPECT_EQ(forth, back);
}

TEST_F(SubgraphTest, TheNewestEventIsThatOfTheCutover) {
  EXPECT_EQ(Events("first: 1, orderBy: timestamp, orderDirection: desc").size(), 1U);
  EXPECT_EQ(last_second_, "1777374040");
  fault_ = PageFault::kFrozen;
  Events("first: 1, orderBy: timestamp, orderDirection: desc");
  EXPECT_LE(ParseInteger(last_second_), kFrozenAt);
  EXPECT_TRUE(fault_done_);
}

TEST_F(SubgraphTest, PagesHaveADefaultAndACap) {
  EXPECT_EQ(Events("orderBy: timestamp").size(), 100U);
  EXPECT_EQ(Events("first: 1000").size(), 1000U);
  EXPECT_EQ(Events("first: 10, skip: 5000, orderBy: timestamp").size(), 10U);
  ExpectError("{ orderFilledEvents(first: 1001) { id } }");
  ExpectError("{ orderFilledEvents(first: -1) { id } }");
  ExpectError("{ orderFilledEvents(first: \"5\") { id } }");
  ExpectError("{ orderFilledEvents(skip: 5001) { id } }");
}

TEST_F(SubgraphTest, WhatGraphNodeDoesNotKnowIsAnError) {
  for (const char* query :
       {"{ orderFilledEvents { nothing } }", "{ orderFilledEvents }", "{ trades { id } }",
        "{ orderFilledEvents(limit: 5) { id } }", "{ orderFilledEvents(orderBy: price) { id } }",
        "{ orderFilledEvents(orderDirection: up) { id } }",
        "{ orderFilledEvents(where: {price_gt: 5}) { id } }",
        "{ orderFilledEvents(where: {timestamp_gt: \"soon\"}) { id } }",
        "{ orderFilledEvents(where: {maker_in: \"0x1\"}) { id } }",
        "{ orderFilledEvents(where: {maker: \"0x1\", or: [{timestamp: 1}]}) { id } }",
        "{ orderFilledEvents(first: $n) { id } }", "{ orderFilledEvents { maker { id } } }",
        "{ _meta { hash } }", "not a query"}) {
    ExpectError(query);
  }
}

TEST_F(SubgraphTest, AFilterIsExact) {
  const std::string maker = Address(3);
  std::string upper = maker;
  std::transform(upper.begin() + 2, upper.end(), upper.begin() + 2, ::toupper);
  EXPECT_TRUE(Events("where: {maker: $m}", {{"m", upper}}).empty());
  const Ids ids = Events("first: 3, where: {maker: $m}", {{"m", maker}});
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(Events(fmt::format("where: {{id_in: [\"{}\", \"{}\"]}}", ids[2], ids[0])).size(), 2U);
  EXPECT_EQ(Events("where: {id: $i}", {{"i", ids[1]}}), Ids{ids[1]});
  const Ids taken = Events("first: 5, where: {taker: $m}", {{"m", maker}});
  EXPECT_EQ(taken.size(), 5U);
}

TEST_F(SubgraphTest, ARepeatedPageIsThePageBefore) {
  const char* arguments = "first: 10, orderBy: timestamp, where: {maker: $m, timestamp_gt: $t}";
  const Ids first = Events(arguments, {{"m", Address(2)}, {"t", "0"}});
  const std::string second = last_second_;
  fault_ = PageFault::kRepeat;
  const Ids repeated = Events(arguments, {{"m", Address(2)}, {"t", second}});
  EXPECT_TRUE(fault_done_);
  EXPECT_LE(last_second_, second);
  EXPECT_EQ(repeated.size(), 10U);
  Events(arguments, {{"m", Address(2)}, {"t", "0"}});
  EXPECT_FALSE(fault_done_);
}

TEST_F(SubgraphTest, WhatIsNestedWithoutEndIsRefused) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  Request request = ParseTarget("POST", "/");
  request.body =
      R"({"query":"query Q($m: [Int]) { orderFilledEvents(where: {maker: $m}) { id } }",)"
      R"("variables":{"other":1,"m":)" +
      deep + "}}";
  EXPECT_TRUE(Json::parse(subgraph_.Answer(request).body).contains("errors"));
  request.body = Json{{"query", "{ a(b: " + deep + ") { c } }"}}.dump();
  EXPECT_TRUE(Json::parse(subgraph_.Answer(request).body).contains("errors"));
}

TEST_F(SubgraphTest, AWalkOverAllMakersIsWhole) {
  const std::string arguments =
      "first: 170, orderBy: timestamp, orderDirection: asc, where: "
      "{or: [{timestamp_gt: $t}, {timestamp: $t, id_gt: $i}]}";
  Ids all;
  last_second_ = "0";
  std::string id = "";
  while (true) {
    const Ids page = Events(arguments, {{"t", last_second_}, {"i", id}});
    all.insert(all.end(), page.begin(), page.end());
    if (page.size() < 170) break;
    id = page.back();
  }
  EXPECT_EQ(all.size(), world_.Archive().size());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST_F(SubgraphTest, TheBlockGoesOnWithTheClock) {
  const Json body = Ask("{ _meta { block { number timestamp } } }");
  EXPECT_GT(body["data"]["_meta"]["block"]["number"], 90'000'000);
  EXPECT_TRUE(body["data"]["_meta"]["block"]["timestamp"].is_null());
}

TEST_F(SubgraphTest, OneEventIsFoundById) {
  const Ids ids = Events("first: 1, where: {maker: $m}", {{"m", Address(3)}});
  ASSERT_EQ(ids.size(), 1U);
  const Json body = Ask("{ orderFilledEvent(id: \"" + ids[0] +
                        "\") { id maker } "
                        "none: orderFilledEvent(id: \"0x0\") { id } }");
  EXPECT_EQ(body["data"]["orderFilledEvent"]["maker"], Address(3));
  EXPECT_TRUE(body["data"]["none"].is_null());
}

}  // namespace
}  // namespace sim
