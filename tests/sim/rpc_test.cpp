#include "sim/rpc.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/ids.h"
#include "sim/blocks.h"
#include "sim/oracle.h"
#include "sim/prices.h"
#include "sim/text.h"
#include "sim/world_builder.h"
#include "tests/sim/now.h"

namespace sim {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

constexpr const char* kV1 = "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
constexpr const char* kV2 = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";
constexpr const char* kResolution =
    "0xb44d84d3289691f71497564b85d4233648d9dbae8cbdbb4329f301c3a0185894";

std::int64_t Number(const Json& text) {
  return std::stoll(text.get<std::string>(), nullptr, 16);
}

std::string Hex64(std::int64_t number) {
  return fmt::format("0x{:x}", number);
}

class RpcTest : public testing::Test {
 protected:
  static constexpr std::int64_t kHeadBehind = 5;

  Json Post(const std::string& body) {
    Request request = ParseTarget("POST", "/");
    request.body = body;
    request.now = now_;
    request.page_fault = fault_;
    const Response response = rpc_.Answer(request);
    rows_ = response.rows;
    return Json::parse(response.body);
  }
  Json Call(const std::string& method, const Json& params = Json::array()) {
    return Post(Json{{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}}.dump());
  }
  Json Block(std::int64_t number) {
    return Call("eth_getBlockByNumber", {Hex64(number), false})["result"];
  }
  Json Logs(std::int64_t from, std::int64_t to, Json filter = Json::object()) {
    filter["fromBlock"] = Hex64(from);
    filter["toBlock"] = Hex64(to);
    return Call("eth_getLogs", Json::array({filter}));
  }
  std::int64_t Head() { return Number(Call("eth_blockNumber")["result"]); }

  // Everything that the filter wants, in ranges as wide as are allowed.
  Json Walk(const Json& filter = Json::object()) {
    Json all = Json::array();
    std::int64_t from = BlockAt(world_->fills().front().ts);
    const std::int64_t head = Head();
    for (std::int64_t width = 4'000'000; from <= head;) {
      const Json page = Logs(from, std::min(head, from + width - 1), filter);
      if (page.contains("error")) {
        EXPECT_EQ(page["error"]["code"], -32005) << page;
        width /= 2;
        continue;
      }
      for (const Json& log : page["result"]) all.push_back(log);
      from += width;
    }
    return all;
  }

  std::string Line(const Json& log) {
    const std::string data = log["data"].get<std::string>().substr(2);
    std::vector<std::string> words;
    for (std::size_t i = 0; i < data.size(); i += 64) words.push_back(data.substr(i, 64));
    const auto number = [&](std::size_t word) {
      return std::stoll(words[word], nullptr, 16);
    };
    const bool v2 = log["topics"][0] == kV2;
    EXPECT_EQ(words.size(), v2 ? 7U : 5U);
    const bool buy = words[0].find_first_not_of('0') == std::string::npos;
    common::TokenId token;
    token.bytes = common::TxHash::Parse("0x" + words[v2 || buy ? 1 : 0])->bytes;
    const std::int64_t given = number(2);
    const std::int64_t got = number(3);
    const auto address = [&](std::size_t topic) {
      return "0x" + log["topics"][topic].get<std::string>().substr(26);
    };
    const std::uint32_t* known = world_->FindToken(token.ToDecimal());
    const std::string condition =
        known == nullptr ? "" : world_->markets()[world_->tokens()[*known].market].condition_id;
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", address(2),
                       TimeOfBlock(Number(log["blockNumber"])),
                       log["transactionHash"].get<std::string>(), token.ToDecimal(), condition,
                       buy ? "BUY" : "SELL", buy ? got : given, buy ? given : got, number(4),
                       address(3) == log["address"].get<std::string>() ? "taker" : "maker",
                       v2 ? "V2" : "V1", Number(log["logIndex"]));
  }

  Lines Told(const Json& logs) {
    Lines lines;
    for (const Json& log : logs) lines.push_back(Line(log));
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  Lines Oracle() const { return OracleLines(*world_, common::Source::kRpc, std::nullopt); }

  std::unique_ptr<World> world_ =
      BuildWorld({.seed = 5, .wallets = 40, .fills = 6000, .whale_fills = 0, .recorded = ""});
  RpcOptions options_{
      {.live = false, .blocks_after_newest = kHeadBehind, .unsettled_blocks = 0}, 4'000'000, 2000};
  Rpc rpc_{*world_, options_};
  common::UnixSeconds now_ = kNow;
  PageFault fault_ = PageFault::kNone;
  std::size_t rows_ = 0;
};

const Json kFills = {{"topics", Json::array({Json::array({kV1, kV2})})}};

TEST_F(RpcTest, TheLogsTellTheOracle) {
  const Lines told = Told(Walk(kFills));
  EXPECT_TRUE(told == Oracle()) << told.size() << " of " << Oracle().size();
}

TEST_F(RpcTest, ALogIsOneOfItsBlock) {
  std::set<std::pair<std::string, std::string>> places;
  std::map<std::string, std::int64_t> last;
  for (const Json& log : Walk()) {
    EXPECT_TRUE(places.emplace(log["blockNumber"], log["logIndex"]).second) << log;
    const Json block = Block(Number(log["blockNumber"]));
    ASSERT_EQ(block["hash"], log["blockHash"]);
    EXPECT_FALSE(log["removed"].get<bool>());
    if (log["topics"][0] == kResolution) continue;
    // Of one match the taker's event is the last.
    std::int64_t& before = last[log["transactionHash"]];
    EXPECT_LT(before, Number(log["logIndex"]));
    before = Number(log["logIndex"]);
  }
}

TEST_F(RpcTest, BlocksAreAChain) {
  const std::int64_t head = Head();
  EXPECT_EQ(head, BlockAt(world_->newest()) + kHeadBehind);
  EXPECT_EQ(Block(head)["parentHash"], Block(head - 1)["hash"]);
  EXPECT_EQ(Number(Block(BlockAt(world_->newest()))["timestamp"]), world_->newest());
  EXPECT_TRUE(Block(head + 1).is_null());
  EXPECT_EQ(Call("eth_getBlockByNumber", {"latest", false})["result"]["number"], Hex64(head));
  EXPECT_EQ(Call("eth_chainId")["result"], "0x89");
}

TEST_F(RpcTest, TopicsAndAddressesNarrow) {
  const std::string maker = world_->wallets()[2].address.ToString();
  const std::string topic = "0x000000000000000000000000" + maker.substr(2);
  const auto count = [](const Lines& lines, const auto& wanted) {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), wanted));
  };
  const Lines mine = Told(Walk({{"topics", {Json::array({kV1, kV2}), nullptr, topic}}}));
  EXPECT_EQ(mine.size(), world_->FillsOf(2).size());
  const Json taken = Walk({{"topics", {nullptr, nullptr, nullptr, {topic}}}});
  EXPECT_EQ(taken.size(), static_cast<std::size_t>(
                              std::count_if(world_->fills().begin(), world_->fills().end(),
                                            [](const Fill& fill) { return fill.taker == 2; })));
  const Lines v1 = Told(Walk({{"topics", {kV1}}}));
  EXPECT_EQ(v1.size(), count(Oracle(), [](const std::string& line) {
              return line.find("\tV1\t") != std::string::npos;
            }));
  const std::string group = "0xC5d563A36AE78145C45a50134d48A1215220f80a";
  const std::string plain = "0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E";
  EXPECT_EQ(Told(Walk({{"address", {group, plain}}})), v1);
  EXPECT_LT(Walk({{"address", group}}).size(), v1.size());
  const Json order = Walk({{"topics", {kV1}}})[0]["topics"][1];
  EXPECT_GE(Walk({{"topics", {nullptr, order}}}).size(), 1U);
}

TEST_F(RpcTest, ProvidersCapRangesAndAnswers) {
  const std::int64_t head = Head();
  EXPECT_EQ(Logs(head - 4'000'000, head)["error"]["message"], "block range is too large");
  const std::int64_t first = BlockAt(world_->fills().front().ts);
  Rpc small(*world_, {options_.chain, 200'000'000, 10});
  Request request = ParseTarget("POST", "/");
  request.now = now_;
  const auto ask = [&](std::int64_t from, std::int64_t to) {
    request.body = Json{{"id", 1},
                        {"method", "eth_getLogs"},
                        {"params", {{{"fromBlock", Hex64(from)}, {"toBlock", Hex64(to)}}}}}
                       .dump();
    return Json::parse(small.Answer(request).body);
  };
  const Json refused = ask(first, head);
  EXPECT_EQ(refused["error"]["code"], -32005);
  EXPECT_EQ(refused["error"]["message"], "query returned more than 10 results");
  const std::int64_t busy = BlockAt(common::kV1Cutover);
  EXPECT_GT(ask(busy, busy)["result"].size(), 10U);  // one block can always be read
}

TEST_F(RpcTest, WhatIsNoCallIsRefused) {
  const std::map<std::string, int> codes = {
      {"{", -32700},
      {"[]", -32600},
      {R"({"id":1})", -32600},
      {R"({"id":1,"method":"eth_call","params":[]})", -32601},
      {R"({"id":1,"method":"eth_getLogs","params":[]})", -32602},
      {R"({"id":1,"method":"eth_getLogs","params":{}})", -32602},
      {R"({"id":1,"method":"eth_getLogs","params":[{"fromBlock":"12"}]})", -32602},
      {R"({"id":1,"method":"eth_getLogs","params":[{"topics":["0x12"]}]})", -32602},
      {R"({"id":1,"method":"eth_getLogs","params":[{"address":"0x12"}]})", -32602},
      {R"({"id":1,"method":"eth_getBlockByNumber","params":["new"]})", -32602},
      {R"({"id":1,"method":"eth_getLogs","params":[{"fromBlock":"0x2","toBlock":"0x1"}]})",
       -32602}};
  for (const auto& [body, code] : codes) EXPECT_EQ(Post(body)["error"]["code"], code) << body;
  EXPECT_EQ(Logs(1, Head() + 1)["error"]["code"], -32000);
  const std::string deep(100'000, '[');
  Post(R"({"id":)" + deep + std::string(100'000, ']') + R"(,"method":"eth_chainId"})");
}

TEST_F(RpcTest, ABatchIsAnsweredInItsOrder) {
  const Json answers = Post(
      R"([{"id":"a","method":"eth_chainId"},{"id":2,"method":"eth_nothing"},{"id":3,"method":"eth_blockNumber"}])");
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["id"], "a");
  EXPECT_TRUE(answers[1].contains("error"));
  EXPECT_EQ(Number(answers[2]["result"]), Head());
}

TEST_F(RpcTest, AForkIsToldOtherwiseAndSettlesAsTheOracle) {
  const std::int64_t head = Head();
  const std::int64_t depth = 1800;
  const Json before = Logs(head - depth, head, kFills)["result"];
  ASSERT_GT(before.size(), 20U);
  const auto [from, to] = rpc_.Fork(depth, now_);
  EXPECT_EQ(to, head);
  EXPECT_EQ(from, head - depth + 1);
  const Json fork = Logs(head - depth, head, kFills)["result"];
  EXPECT_LT(fork.size(), before.size());
  for (const Json& log : fork)
    EXPECT_EQ(Block(Number(log["blockNumber"]))["hash"], log["blockHash"]);
  EXPECT_NE(fork[0]["blockHash"], before[0]["blockHash"]);
  EXPECT_EQ(Block(from)["parentHash"], Block(from - 1)["hash"]);
  rpc_.Fork(0, now_);
  EXPECT_EQ(Logs(head - depth, head, kFills)["result"], before);
}

TEST_F(RpcTest, TheHeadCanBeAForkAlways) {
  Rpc unsettled(*world_,
                {{.live = false, .blocks_after_newest = 0, .unsettled_blocks = 10}, 1000, 1000});
  Request request = ParseTarget("POST", "/");
  request.now = now_;
  const std::int64_t newest = BlockAt(world_->newest());
  const auto hash = [&](Rpc& rpc, std::int64_t block) {
    request.body =
        Json{{"method", "eth_getBlockByNumber"}, {"params", {Hex64(block), false}}}.dump();
    return Json::parse(rpc.Answer(request).body)["result"]["hash"];
  };
  EXPECT_NE(hash(unsettled, newest - 9), hash(rpc_, newest - 9));
  EXPECT_EQ(hash(unsettled, newest - 10), hash(rpc_, newest - 10));
}

TEST_F(RpcTest, ResolutionsHaveTheirPayouts) {
  std::map<std::string, std::string> told;
  for (const Json& log : Walk({{"topics", {kResolution}}})) {
    told[log["topics"][1]] = log["data"].get<std::string>().substr(2 + 3 * 64);
  }
  std::size_t closed = 0;
  for (const Market& market : world_->markets()) {
    const auto payouts = PayoutsOf(market);
    const bool in_range =
        BlockAt(market.closed_at) <= Head() && market.closed_at >= world_->fills().front().ts;
    if (payouts.empty() || !in_range) continue;
    ++closed;
    ASSERT_EQ(told[market.condition_id].size(), 128U);
    EXPECT_EQ(told[market.condition_id][63], payouts[0] > 0 ? '1' : '0');
    EXPECT_EQ(told[market.condition_id][127], payouts[1] > 0 ? '1' : '0');
  }
  EXPECT_GT(closed, 5U);
  EXPECT_EQ(told.size(), closed);
}

TEST_F(RpcTest, GrowsWithTheWorld) {
  Rpc live(*world_,
           {{.live = true, .blocks_after_newest = -1, .unsettled_blocks = 0}, 10'000, 10'000});
  LiveFeed feed(*world_, 100);
  feed.Grow(kNow * 1000);
  feed.Grow(kNow * 1000 + 5000);
  Request request = ParseTarget("POST", "/");
  request.now = kNow + 20;
  const std::int64_t head = BlockAt(kNow + 20) - 1;
  request.body = Json{{"method", "eth_getLogs"},
                      {"params", {{{"fromBlock", Hex64(head - 100)}, {"toBlock", Hex64(head)}}}}}
                     .dump();
  const Lines told = Told(Json::parse(live.Answer(request).body)["result"]);
  Lines expected = Oracle();
  std::erase_if(expected, [&](const std::string& line) {
    return std::find(told.begin(), told.end(), line) == told.end();
  });
  EXPECT_GT(told.size(), 450U);
  EXPECT_EQ(told, expected);
}

TEST_F(RpcTest, TheChainIsAliveAlsoWhereItDoesNotGoWithTheClock) {
  const std::int64_t head = Head();
  EXPECT_EQ(Number(Block(head)["timestamp"]), kNow);
  EXPECT_EQ(Number(Block(head - 1)["timestamp"]), kNow - 2);
  EXPECT_EQ(Number(Block(head - kHeadBehind)["timestamp"]), TimeOfBlock(head - kHeadBehind));
}

TEST_F(RpcTest, AnotherNodeBehindTheAddressCanBeLate) {
  const std::int64_t head = Head();
  fault_ = PageFault::kStale;
  EXPECT_LT(Head(), head);
  EXPECT_TRUE(Logs(head - 1, head).contains("error"));
}

}  // namespace
}  // namespace sim
