#include "worker/sources/rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/rpc_logs.h"
#include "worker/sources/rpc_walk.h"

namespace worker::sources {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kBase = 33'605'403;
constexpr std::uint64_t kHead = kBase + 2'000'000;

// Two seconds a block, but for one long pause.
std::uint64_t TimeOf(std::uint64_t block) {
  const std::uint64_t pause = block > kBase + 900'000 ? 500'000 : 0;
  return 1'663'000'000 + 2 * (block - kBase) + pause;
}

class RpcTest : public testing::Test {
 protected:
  RpcTest() { cursor_.source = common::Source::kRpc; }

  // Answers what is asked next, from a chain with these fills of the wallet.
  Page Step() {
    const std::string asked = rpc_.PageRequest(wallet_, cursor_, horizon_).body;
    ++requests_;
    std::string body = "[";
    int id = 1;
    if (asked.find("eth_getLogs") != std::string::npos) {
      const auto number = [&asked](const char* key) {
        return std::stoull(asked.substr(asked.find("0x", asked.find(key))), nullptr, 16);
      };
      std::vector<TestLog> logs;
      for (const std::uint64_t block : fills_) {
        if (block < number("fromBlock") || block > number("toBlock")) continue;
        logs.push_back({.block = block, .index = 3, .words = {"0", "77", "1", "2", "0"}});
      }
      body += LogsResult(logs);
      ++id;
    }
    for (std::size_t at = 0; (at = asked.find("eth_getBlockByNumber", at)) != std::string::npos;
         ++id) {
      at = asked.find("params", at);
      const bool is_head = asked.substr(at, 20).find("latest") != std::string::npos;
      const std::uint64_t block =
          is_head ? head_ : std::stoull(asked.substr(asked.find("0x", at)), nullptr, 16);
      body += (body.size() > 1 ? "," : "") + ResultText(id, BlockText(block, TimeOf(block)));
    }
    auto page = rpc_.ParsePage(wallet_, cursor_, horizon_, body + "]");
    EXPECT_TRUE(page) << page.error().message << asked;
    if (!page) {
      Page end;
      end.last = true;
      return end;
    }
    for (const common::Trade& trade : page->trades) times_.push_back(trade.ts);
    cursor_ = page->next;
    return std::move(*page);
  }
  Page WalkToTheEnd() {
    Page page;
    while (!page.last && requests_ < 1000) page = Step();
    return page;
  }

  const Rpc rpc_{"http://node"};
  const common::WalletAddress wallet_ = *common::WalletAddress::Parse(TestLog{}.maker);
  common::Cursor cursor_;
  common::UnixSeconds horizon_ = static_cast<common::UnixSeconds>(TimeOf(kHead)) - 512;
  std::uint64_t head_ = kHead;
  std::vector<std::uint64_t> fills_;
  std::vector<common::UnixSeconds> times_;
  int requests_ = 0;
};

TEST_F(RpcTest, AWholeHistoryBeginsWithTheFirstExchange) {
  fills_ = {kBase + 5, kBase + 5'000, kBase + 1'999'000, kHead - 10};
  const Page end = WalkToTheEnd();
  EXPECT_TRUE(end.last);
  EXPECT_EQ(times_.size(), 3U);  // the last one is not deep enough
  EXPECT_EQ(times_[0], static_cast<common::UnixSeconds>(TimeOf(kBase + 5)));
  EXPECT_EQ(cursor_.complete_to, static_cast<common::UnixSeconds>(TimeOf(kHead - 256)) - 1);
  EXPECT_EQ(cursor_.position, "");
  EXPECT_LT(requests_, 300);
}

TEST_F(RpcTest, AWalkThatWasPutOffGoesOnToTheHeadOfToday) {
  fills_ = {kBase + 5, kHead - 300};
  head_ = kBase + 1'000'000;
  Step();
  head_ = kHead;
  EXPECT_TRUE(WalkToTheEnd().last);
  EXPECT_EQ(times_.size(), 2U);
  EXPECT_EQ(cursor_.complete_to, static_cast<common::UnixSeconds>(TimeOf(kHead - 256)) - 1);
}

TEST_F(RpcTest, AHeadThatStandsStillEndsTheWalk) {
  head_ = kBase + 1'000'000;
  EXPECT_TRUE(WalkToTheEnd().last);
  EXPECT_EQ(cursor_.complete_to, static_cast<common::UnixSeconds>(TimeOf(head_ - 256)) - 1);
  EXPECT_LT(requests_, 400);
}

TEST_F(RpcTest, ARefreshSeeksItsBlock) {
  const std::uint64_t block = kBase + 1'900'000;
  cursor_.complete_to = static_cast<common::UnixSeconds>(TimeOf(block));
  fills_ = {block, block + 1, kHead - 300};
  EXPECT_TRUE(WalkToTheEnd().last);
  EXPECT_EQ(times_.size(), 2U);  // the first one is known already
  EXPECT_LT(requests_, 50);
}

TEST_F(RpcTest, NothingBeyondTheHorizonIsTold) {
  horizon_ = static_cast<common::UnixSeconds>(TimeOf(kBase + 100));
  fills_ = {kBase + 100, kBase + 101};
  EXPECT_TRUE(WalkToTheEnd().last);
  EXPECT_EQ(times_.size(), 1U);
  EXPECT_EQ(cursor_.complete_to, horizon_);
}

TEST_F(RpcTest, ARefusedIntervalIsNoFailureOfTheWallet) {
  Step();
  const auto read = [this](int status, std::string_view body, bool too_large = false) {
    HttpResponse response;
    response.status = status;
    response.body = body;
    response.too_large = too_large;
    return rpc_.ReadPage(wallet_, cursor_, horizon_, response);
  };
  constexpr std::string_view kTooWide =
      R"({"id":1,"error":{"code":-32602,"message":"block range too large"}})";
  for (const int status : {200, 400, 413, 422, 500}) {
    const auto page = read(status, kTooWide);
    ASSERT_TRUE(page) << status << ": " << page.error().message;
    EXPECT_NE(page->next.position, cursor_.position) << status;
  }
  EXPECT_TRUE(read(413, "<html>")) << "what stands before the node says so";
  EXPECT_TRUE(read(0, "", true)) << "the answer goes beyond our own caps";
  EXPECT_FALSE(read(0, ""));
  EXPECT_FALSE(read(401, kTooWide));
  EXPECT_FALSE(read(503, "<html>"));
}

TEST_F(RpcTest, AnUnreadablePositionBeginsAnew) {
  for (const char* position : {"x", "s;1;2;3;4;5;", "s;9;9;9;9;9;9;", "w;", "w;1;9;8;1;1;0;"}) {
    cursor_.position = position;
    EXPECT_THAT(rpc_.PageRequest(wallet_, cursor_, horizon_).body, HasSubstr("latest"));
  }
}

TEST_F(RpcTest, TheHorizonLiesBelowTheNewestBlock) {
  const std::string body = ResultText(1, BlockText(kHead, 1'700'000'000));
  EXPECT_EQ(*rpc_.ParseFreshness(body, 1'700'000'010), 1'700'000'000 - 640);
  EXPECT_FALSE(rpc_.ParseFreshness(body, 1'700'000'000 + kRpcLargestLag + 1));
  EXPECT_FALSE(rpc_.ParseFreshness(ResultText(1, "null"), 1'700'000'010));
  EXPECT_THAT(rpc_.FreshnessRequest().body, HasSubstr("latest"));
}

}  // namespace
}  // namespace worker::sources
