#include "worker/sources/rpc_walk.h"

#include <gtest/gtest.h>

#include "tests/worker/sources/rpc_logs.h"

namespace worker::sources {
namespace {

using common::ErrorKind;

class RpcWalkTest : public testing::Test {
 protected:
  // The next answer holds these logs, and the headers that were asked for: block n at n seconds.
  RpcWalkPage Step(const std::vector<TestLog>& logs) {
    const std::string asked = RpcWalkRequest("http://node", walk_).body;
    std::string body = "[" + LogsResult(logs);
    int id = 1;
    for (std::size_t at = 0; (at = asked.find("eth_getBlockByNumber", at)) != std::string::npos;) {
      at = asked.find("0x", at);
      const std::uint64_t block = std::stoull(asked.substr(at), nullptr, 16);
      body += "," + ResultText(++id, BlockText(block, block));
    }
    return Take(Response(body + "]"));
  }
  RpcWalkPage Refuse(const std::string& message) {
    return Take(Response(R"({"id":1,"error":{"code":-32005,"message":")" + message + "\"}}"));
  }
  RpcWalkPage Take(const HttpResponse& response) {
    auto page = ReadRpcWalkPage(walk_, response);
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return {};
    const auto stored = DecodeRpcWalk(EncodeRpcWalk(page->next));
    EXPECT_TRUE(stored && *stored == page->next);
    walk_ = page->next;
    return std::move(*page);
  }
  static TestLog LogAt(std::uint64_t block) {
    TestLog log;
    log.words = {"0", "77", "1", "1", "0"};
    log.block = block;
    return log;
  }

  RpcWalk walk_{.next = 1000, .last = 5000};
};

TEST_F(RpcWalkTest, IntervalsGrowUntilTheEnd) {
  std::uint64_t steps = 0;
  for (; !walk_.is_over() && steps < 100; ++steps) EXPECT_TRUE(Step({}).through);
  EXPECT_EQ(walk_.next, 5001U);
  EXPECT_EQ(steps, 6U);  // 128, 256, ... 4096
}

TEST_F(RpcWalkTest, LogsWithoutTimeAreAskedForWithTheirBlocks) {
  const auto first = Step({LogAt(1003), LogAt(1050)});
  EXPECT_TRUE(first.trades.empty() && !first.through);
  EXPECT_EQ(walk_.untimed, (std::vector<std::uint64_t>{1003, 1050}));
  EXPECT_EQ(walk_.next, 1000U);
  const auto second = Step({LogAt(1003), LogAt(1050)});
  ASSERT_EQ(second.trades.size(), 2U);
  EXPECT_EQ(second.trades[1].trade.ts, 1050);
  EXPECT_EQ(second.through->ts, 1127);
  EXPECT_EQ(walk_.next, 1128U);
  EXPECT_TRUE(walk_.untimed.empty());
}

TEST_F(RpcWalkTest, LogsWithTimeAreTakenAtOnce) {
  TestLog log = LogAt(1003);
  log.time = 1003;
  EXPECT_EQ(Step({log}).trades.size(), 1U);
}

TEST_F(RpcWalkTest, NoMoreHeadersThanABatchBears) {
  std::vector<TestLog> logs;
  for (std::uint64_t block = 1000; block < 1128; ++block) logs.push_back(LogAt(block));
  Step(logs);
  EXPECT_EQ(walk_.untimed.size(), kRpcMostHeaders);
  EXPECT_EQ(walk_.span, kRpcMostHeaders);
  logs.resize(kRpcMostHeaders);
  EXPECT_EQ(Step(logs).trades.size(), kRpcMostHeaders);
  EXPECT_EQ(walk_.next, 1000 + kRpcMostHeaders);
}

TEST_F(RpcWalkTest, AnAnswerThatWouldBeTooLargeHalvesTheInterval) {
  Refuse("query returned more than 10000 results");
  EXPECT_EQ(walk_.span, 64U);
  EXPECT_EQ(walk_.cap, kRpcMostSpan);
  Step({});
  EXPECT_EQ(walk_.next, 1064U);
  EXPECT_EQ(walk_.span, 128U);
}

TEST_F(RpcWalkTest, AnAnswerBeyondTheClientsCapHalvesTheInterval) {
  HttpResponse response;
  response.failure = "the answer is larger than 33554432 bytes";
  response.too_large = true;
  const std::uint64_t before = walk_.span;
  EXPECT_FALSE(Take(response).through);
  EXPECT_EQ(walk_.span, before / 2);
  EXPECT_EQ(walk_.next, 1000U);
}

TEST_F(RpcWalkTest, ACapIsLearnedForTheRestOfTheWalk) {
  Refuse("block range too large, maximum range: 50");
  EXPECT_EQ(walk_.span, 50U);
  Step({});
  Step({});
  EXPECT_EQ(walk_.span, 50U);
  EXPECT_EQ(walk_.next, 1100U);
}

TEST_F(RpcWalkTest, ABlockThatIsTooLargeByItselfIsRejected) {
  walk_.span = 1;
  const auto page = ReadRpcWalkPage(
      walk_, Response(R"({"id":1,"error":{"code":-32005,"message":"too many results"}})"));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kRejected);
}

TEST_F(RpcWalkTest, OtherTextIsNoPosition) {
  const std::string text = EncodeRpcWalk(walk_);
  for (const char* other : {"", "1", "1;;", "2;1000;5000;128;8192;0;", "1;1000;5000;0;8192;0;",
                            "1;1000;5000;128;8192;0;999", "1;1000;5000;128;8192;0;1005,1004",
                            "1;1000;5000;128;8192;0;x"}) {
    EXPECT_FALSE(DecodeRpcWalk(other)) << other;
  }
  EXPECT_EQ(DecodeRpcWalk(text), walk_);
}

}  // namespace
}  // namespace worker::sources
