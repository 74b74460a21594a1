// Each walk with pages made by hand.
#include "worker/jobs/walks.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/sources/rpc_logs.h"
#include "tests/worker/sources/subgraph_rows.h"
#include "worker/sources/rpc_walk.h"

namespace worker::jobs {
namespace {

using common::ErrorKind;
using sources::BlockText;
using sources::LogsResult;
using sources::ResultText;
using testing::HasSubstr;
using testing::Not;

class WalksTest : public testing::Test {
 protected:
  bool Make(const std::string& kind, const std::string& task, const std::string& position = "",
            common::UnixSeconds complete_to = 0) {
    Upstreams upstreams;
    upstreams.rpc_url = "http://node";
    ChunkTask chunk;
    chunk.kind = kind;
    auto made = WalksOf(upstreams)(chunk, {common::WalletId{1}, task, position, complete_to});
    if (!made) return false;
    walk_ = std::move(*made);
    return true;
  }
  std::string Asked() {
    const HttpRequest request = walk_->Next();
    return request.url + " " + request.body;
  }
  common::Result<UnitStep> Read(const std::string& body, int status = 200) {
    (void)walk_->Next();
    HttpResponse response;
    response.status = status;
    response.body = body;
    response.received_at = now_;
    return walk_->OnResponse(response);
  }
  UnitStep Step(const std::string& body) {
    auto step = Read(body);
    EXPECT_TRUE(step) << step.error().message;
    return step ? std::move(*step) : UnitStep();
  }

  std::unique_ptr<UnitWalk> walk_;
  common::UnixSeconds now_ = 0;
};

TEST_F(WalksTest, TasksThatCannotBeReadAreRefused) {
  EXPECT_FALSE(Make("markets", "markets ajar"));
  EXPECT_FALSE(Make("markets", "markets open since=5"));
  EXPECT_FALSE(Make("markets", "resolutions 0x12"));
  EXPECT_FALSE(Make("holders", "0x12"));
  EXPECT_FALSE(Make("range", "rpc 1"));
  EXPECT_FALSE(Make("range", "data-api 1-2"));
  EXPECT_FALSE(Make("activity", "somebody"));
  EXPECT_FALSE(Make("dreams", "markets open"));
  EXPECT_FALSE(IsUnitKind("trades"));
}

// --- The catalog -------------------------------------------------------------------------------

std::string Market(int n, const std::string& closed_time = "") {
  return fmt::format(R"({{"id":"{0}","conditionId":"0x{0:064x}","outcomes":"[\"Yes\",\"No\"]",)"
                     R"("clobTokenIds":"[\"{1}\",\"{2}\"]","closedTime":"{3}"}})",
                     n, 10 * n, 10 * n + 1, closed_time);
}
std::string Markets(const std::vector<std::string>& markets, const std::string& next) {
  return fmt::format(R"({{"markets":[{}]{}}})", fmt::join(markets, ","),
                     next.empty() ? "" : R"(,"next_cursor":")" + next + '"');
}

TEST_F(WalksTest, CatalogGoesFromCursorToCursor) {
  ASSERT_TRUE(Make("markets", "markets closed"));
  EXPECT_THAT(Asked(), HasSubstr("closed=true"));
  const UnitStep first = Step(Markets({Market(1), Market(2)}, "abc"));
  EXPECT_EQ(first.rows.markets.size(), 2U);
  EXPECT_FALSE(first.done);
  ASSERT_TRUE(Make("markets", "markets closed", first.position));
  EXPECT_THAT(Asked(), HasSubstr("after_cursor=abc"));
  const UnitStep last = Step(Markets({Market(3)}, ""));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.position, "");
}

TEST_F(WalksTest, PageThatRepeatsIsAnErrorAndMovesNothing) {
  ASSERT_TRUE(Make("markets", "markets open"));
  Step(Markets({Market(1), Market(2)}, "abc"));
  EXPECT_FALSE(Read(Markets({Market(1), Market(2)}, "abd")));
  EXPECT_FALSE(Read(Markets({Market(3)}, "abc")));
  EXPECT_THAT(Asked(), HasSubstr("after_cursor=abc"));
  EXPECT_TRUE(Read(Markets({Market(3)}, "abd")));
}

TEST_F(WalksTest, RecentlyClosedEndsWhereAllClosedBefore) {
  ASSERT_TRUE(Make("markets", "markets closed since=1778292421"));  // 2026-05-09 02:07:01
  EXPECT_FALSE(Step(Markets({Market(1, "2026-05-10 00:00:00+00")}, "a")).done);
  EXPECT_TRUE(Step(Markets({Market(2, "2026-05-08 00:00:00+00")}, "b")).done);
}

// --- Holders -----------------------------------------------------------------------------------

constexpr char kCondition[] = "0x0000000000000000000000000000000000000000000000000000000000000007";
constexpr char kHolder[] = "0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a";
constexpr char kExchange[] = "0xc5d563a36ae78145c45a50134d48a1215220f80a";
constexpr common::UnixSeconds kNow = 1'789'000'000;

std::string List(const std::string& rows, const std::string& next = "") {
  return fmt::format(R"({{"data":[{}],"pagination":{{"has_more":{},"next_cursor":{}}}}})", rows,
                     !next.empty(), next.empty() ? "null" : '"' + next + '"');
}
std::string Trade(const std::string& wallet, common::UnixSeconds ts, int tx) {
  return fmt::format(
      R"({{"proxy_wallet":"{}","side":"BUY","token_id":"70","condition_id":"{}","size":5,)"
      R"("price":0.5,"timestamp":{},"outcome":"Yes","outcome_index":0,)"
      R"("transaction_hash":"0x{:064x}"}})",
      wallet, kCondition, ts, tx);
}

TEST_F(WalksTest, HoldersThenTradersAndNeverContracts) {
  ASSERT_TRUE(Make("holders", kCondition));
  EXPECT_THAT(Asked(), HasSubstr("/holders"));
  const UnitStep held =
      Step(List(fmt::format(R"({{"token_id":"70","holders":[{{"proxy_wallet":"{}","amount":5}},)"
                            R"({{"proxy_wallet":"{}","amount":5}}]}})",
                            kHolder, kExchange)));
  ASSERT_EQ(held.rows.wallets.size(), 1U);
  EXPECT_FALSE(held.done);
  ASSERT_TRUE(Make("holders", kCondition, held.position));
  EXPECT_THAT(Asked(), HasSubstr("/trades"));
  const UnitStep traded = Step(List(Trade(kHolder, kNow, 1) + "," + Trade(kExchange, kNow - 1, 2)));
  ASSERT_EQ(traded.rows.wallets.size(), 1U);
  EXPECT_EQ(traded.rows.wallets[0].seen_ts, kNow);
  EXPECT_TRUE(traded.done);
  EXPECT_EQ(traded.complete_to, kNow);
  EXPECT_TRUE(traded.rows.trades.empty());
}

TEST_F(WalksTest, TradersToldBeforeAreNotReadAgain) {
  ASSERT_TRUE(Make("holders", kCondition, "", kNow));
  Step(List(""));
  EXPECT_FALSE(Step(List(Trade(kHolder, kNow + 50, 1), "a")).done);
  const UnitStep last = Step(List(Trade(kHolder, kNow - 5000, 2), "b"));
  EXPECT_TRUE(last.done);
  EXPECT_EQ(last.complete_to, kNow + 50);
}

// --- Ranges ------------------------------------------------------------------------------------

std::string Newest(common::UnixSeconds ts) {
  return fmt::format(R"({{"data":{{"orderFilledEvents":[{{"timestamp":"{}"}}]}}}})", ts);
}

TEST_F(WalksTest, SubgraphRangeTellsEveryMaker) {
  ASSERT_TRUE(Make("range", fmt::format("subgraph {}-{}", sources::kThen, sources::kThen + 9)));
  EXPECT_TRUE(Step(Newest(common::kV1Cutover)).midway);
  const UnitStep step = Step(sources::Answer({{}}));
  ASSERT_EQ(step.rows.trades.size(), 1U);
  EXPECT_EQ(step.rows.trades[0].range_from, sources::kThen);
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.reached, sources::kThen + 9);
  EXPECT_EQ(step.complete_to, sources::kThen + 9);
  EXPECT_EQ(step.shortfall, "");
}

TEST_F(WalksTest, ArchiveThatStoppedEarlyFallsShort) {
  ASSERT_TRUE(Make("range", fmt::format("subgraph {}-head", sources::kThen)));
  Step(Newest(sources::kThen + 5));
  const UnitStep step = Step(sources::Answer({{}}));
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.reached, sources::kThen + 5);
  EXPECT_THAT(step.shortfall, HasSubstr("stopped"));
}

constexpr std::uint64_t kBlock = 62'564'883;

std::string Block(std::uint64_t number, std::uint64_t chain = 1) {
  return ResultText(1, BlockText(number, 1'700'000'000 + 2 * number, chain));
}
sources::TestLog Log(std::uint64_t block, std::uint64_t chain = 1) {
  sources::TestLog log;
  log.block = block;
  log.words = {"0", sources::kToken, "2326895910", "4719870000", "0"};
  log.time = 1'700'000'000 + 2 * block;
  log.chain = chain;
  return log;
}

// A node whose chain ends at `head`; blocks from `forked` on are of chain 2.
class RpcWalksTest : public WalksTest {
 protected:
  UnitStep One() {
    auto step = Answer();
    EXPECT_TRUE(step) << step.error().message;
    return step ? std::move(*step) : UnitStep();
  }
  common::Result<UnitStep> Answer() {
    const std::string asked = walk_->Next().body;
    if (asked.find("eth_getLogs") == std::string::npos) {
      const std::size_t at = asked.find("0x");
      const std::uint64_t number =
          at == std::string::npos ? head_ : std::stoull(asked.substr(at), nullptr, 16);
      return Read(Block(number, ChainOf(number)));
    }
    const std::size_t from_at = asked.find("0x", asked.find("fromBlock"));
    const std::size_t to_at = asked.find("0x", asked.find("toBlock"));
    const std::uint64_t from = std::stoull(asked.substr(from_at), nullptr, 16);
    const std::uint64_t to = std::stoull(asked.substr(to_at), nullptr, 16);
    std::vector<sources::TestLog> logs;
    for (const std::uint64_t block : fills_) {
      if (from <= block && block <= to) logs.push_back(Log(block, ChainOf(block)));
    }
    std::string body = "[" + LogsResult(logs);
    int id = 1;
    for (std::size_t at = 0; (at = asked.find("eth_getBlockByNumber", at)) != std::string::npos;) {
      at = asked.find("0x", at);
      const std::uint64_t block = std::stoull(asked.substr(at), nullptr, 16);
      body += "," + ResultText(++id, BlockText(block, 1'700'000'000 + 2 * block, ChainOf(block)));
    }
    return Read(body + "]");
  }
  // Until something is to be stored.
  UnitStep Stored() {
    for (int i = 0; i < 100; ++i) {
      UnitStep step = One();
      if (!step.midway) return step;
    }
    ADD_FAILURE() << "nothing comes of it";
    return {};
  }
  std::uint64_t ChainOf(std::uint64_t block) const { return block >= forked_ ? 2 : 1; }

  std::uint64_t head_ = kBlock + 100'000;
  std::uint64_t forked_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t> fills_ = {kBlock + 3, kBlock + 700};
};

TEST_F(RpcWalksTest, NothingIsAskedBeyondTheConfirmedBlocks) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-head", kBlock)));
  head_ = kBlock + 100;
  const UnitStep nothing = One();
  EXPECT_TRUE(nothing.done);
  EXPECT_EQ(nothing.reached, static_cast<std::int64_t>(kBlock) - 1);
}

TEST_F(RpcWalksTest, NodeThatIsBehindIsAskedAgainAndThenFallsShort) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-head", kBlock)));
  head_ = kBlock + 1000;
  now_ = 1'700'000'000 + 2 * static_cast<common::UnixSeconds>(head_) + 16 * 60;
  for (int i = 0; i < 2; ++i) {
    const auto refused = Read(Block(head_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kTransient);
  }
  UnitStep step = Stored();
  std::size_t trades = 0;
  for (; !step.done; step = Stored()) trades += step.rows.trades.size();
  EXPECT_EQ(trades, 2U);
  EXPECT_EQ(step.reached, static_cast<std::int64_t>(head_ - sources::kRpcConfirmations));
  EXPECT_THAT(step.shortfall, HasSubstr("16 minutes behind"));
}

TEST_F(RpcWalksTest, NodeOfAnotherNodesAgeIsAskedAgain) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-head", kBlock)));
  head_ = kBlock + 100;
  now_ = 1'700'000'000 + 2 * static_cast<common::UnixSeconds>(head_) + 16 * 60;
  ASSERT_FALSE(Read(Block(head_)));
  now_ -= 2 * 60;
  const UnitStep step = One();
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.shortfall, "");
}

TEST_F(RpcWalksTest, SpanOfOldBlocksNeedsNoFreshNode) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 99)));
  head_ = kBlock + 1000;
  now_ = 1'900'000'000;
  UnitStep step = Stored();
  while (!step.done) step = Stored();
  EXPECT_EQ(step.shortfall, "");
}

TEST_F(RpcWalksTest, TellsItsBlocksWithTheirTimes) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 999)));
  std::size_t trades = 0;
  UnitStep step = Stored();
  EXPECT_EQ(step.begins_at, static_cast<common::UnixSeconds>(1'700'000'000 + 2 * kBlock));
  for (; !step.done; step = Stored()) {
    trades += step.rows.trades.size();
    EXPECT_TRUE(step.rows.replaced.empty());
  }
  EXPECT_EQ(trades, 2U);
  EXPECT_EQ(step.reached, static_cast<std::int64_t>(kBlock) + 999);
  EXPECT_EQ(step.complete_to, static_cast<common::UnixSeconds>(1'700'000'000 + 2 * (kBlock + 999)));
}

common::UnixSeconds SecondOf(std::uint64_t block) {
  return static_cast<common::UnixSeconds>(1'700'000'000 + 2 * block);
}

// The step with which the walk ends, and what came before it.
class RpcForksTest : public RpcWalksTest {
 protected:
  UnitStep ToItsEnd() {
    told_ = 0;
    replaced_.clear();
    for (int i = 0; i < 1000; ++i) {
      UnitStep step = Stored();
      told_ += step.rows.trades.size();
      for (const store::ReplacedSpan& span : step.rows.replaced) replaced_.push_back(span);
      if (!step.done) position_ = step.position;
      if (step.done) return step;
    }
    ADD_FAILURE() << "no end";
    return {};
  }
  // From what is stored, as after a crash.
  void MakeAgain(const std::string& task) { ASSERT_TRUE(Make("range", task, position_)); }

  std::size_t told_ = 0;
  std::vector<store::ReplacedSpan> replaced_;
  std::string position_;
};

TEST_F(RpcForksTest, WhatIsToldIsTheSpanAndItsBorders) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 999)));
  const UnitStep done = ToItsEnd();
  ASSERT_TRUE(done.span);
  EXPECT_EQ(done.span->behind.number, kBlock - 1);
  EXPECT_EQ(done.span->last.number, kBlock + 999);
  EXPECT_EQ(done.span->last.ts, SecondOf(kBlock + 999));
  EXPECT_TRUE(replaced_.empty());
}

TEST_F(RpcForksTest, ForkIsToldAnewInPlaceOfTheOld) {
  const std::string task = fmt::format("rpc {}-{}", kBlock, kBlock + 999);
  ASSERT_TRUE(Make("range", task));
  ToItsEnd();
  forked_ = kBlock + 650;
  MakeAgain(task);
  const UnitStep done = ToItsEnd();
  ASSERT_EQ(replaced_.size(), 1U);
  EXPECT_LE(replaced_[0].from, SecondOf(kBlock + 650));
  EXPECT_EQ(replaced_[0].to, SecondOf(kBlock + 999));
  EXPECT_GE(told_, 1U);
  EXPECT_TRUE(done.span);
}

TEST_F(RpcForksTest, ForkMuchDeeperThanTheConfirmationsIsFoundAllTheSame) {
  const std::string task = fmt::format("rpc {}-{}", kBlock, kBlock + 50'000);
  for (std::uint64_t block = kBlock; block < kBlock + 50'000; block += 500) fills_.push_back(block);
  std::sort(fills_.begin(), fills_.end());
  ASSERT_TRUE(Make("range", task));
  ToItsEnd();
  const std::size_t all = told_;
  forked_ = kBlock + 30'000;
  MakeAgain(task);
  const UnitStep done = ToItsEnd();
  ASSERT_EQ(replaced_.size(), 1U);
  EXPECT_LE(replaced_[0].from, SecondOf(kBlock + 30'000));
  EXPECT_GE(replaced_[0].from, SecondOf(kBlock));
  EXPECT_GE(told_, 40U);
  EXPECT_LT(told_, all) << "not all of it had to be told again";
  ASSERT_TRUE(done.span);
  EXPECT_EQ(done.span->behind.number, kBlock - 1);
}

TEST_F(RpcForksTest, ForkBetweenTwoPagesIsNoticedByTheSecond) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 999)));
  while (Stored().reached < static_cast<std::int64_t>(kBlock) + 300) continue;
  forked_ = kBlock + 1;
  // The page does not join, so it is refused.
  EXPECT_FALSE(Answer());
  const UnitStep done = ToItsEnd();
  ASSERT_EQ(replaced_.size(), 1U);
  EXPECT_EQ(replaced_[0].from, SecondOf(kBlock - 1) + 1);
  EXPECT_EQ(told_, 2U);
  EXPECT_TRUE(done.span);
}

TEST_F(RpcForksTest, ForkBelowTheSpanIsToldFromTheBordersOfOthers) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 999)));
  ToItsEnd();
  fills_.push_back(kBlock - 100);
  fills_.push_back(kBlock - 700);
  std::sort(fills_.begin(), fills_.end());
  store::BrokenSpan broken;
  broken.at = kBlock - 1;
  const auto border = [](std::uint64_t number, std::uint64_t chain) {
    return sources::RpcBlock{
        number, *common::BlockHash::Parse(sources::BlockHashText(number, chain)), SecondOf(number)};
  };
  broken.below = {border(kBlock - 1, 9), border(kBlock - 501, 1), border(kBlock - 1001, 1)};
  walk_->GoBack(broken);
  const UnitStep done = ToItsEnd();
  ASSERT_EQ(replaced_.size(), 1U);
  EXPECT_EQ(replaced_[0].from, SecondOf(kBlock - 501) + 1);
  EXPECT_EQ(replaced_[0].to, SecondOf(kBlock + 999));
  EXPECT_EQ(told_, 3U);
  ASSERT_TRUE(done.span);
  EXPECT_EQ(done.span->behind.number, kBlock - 501);
  EXPECT_EQ(done.span->last.number, kBlock + 999);
}

TEST_F(RpcForksTest, StaleSpanAboveIsToldByTheOneBelow) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 499)));
  ToItsEnd();
  store::BrokenSpan broken;
  broken.at = kBlock + 499;
  broken.through = kBlock + 899;
  broken.through_ts = SecondOf(kBlock + 899);
  walk_->GoBack(broken);
  const UnitStep done = ToItsEnd();
  ASSERT_EQ(replaced_.size(), 1U);
  EXPECT_EQ(replaced_[0].from, SecondOf(kBlock + 499) + 1);
  EXPECT_EQ(replaced_[0].to, SecondOf(kBlock + 899));
  EXPECT_EQ(told_, 1U);
  EXPECT_EQ(done.reached, static_cast<std::int64_t>(kBlock) + 899);
}

TEST_F(RpcForksTest, NeighboursThatNeverComeToRestAreAShortfallWithItsBlock) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 99)));
  UnitStep done = ToItsEnd();
  store::BrokenSpan broken;
  broken.at = kBlock + 99;
  broken.through = kBlock + 199;
  for (int i = 0; i < 100 && done.shortfall.empty(); ++i) {
    walk_->GoBack(broken);
    done = ToItsEnd();
  }
  EXPECT_THAT(done.shortfall, HasSubstr(std::to_string(kBlock + 99)));
}

TEST_F(WalksTest, EmptyMarketsOfResolutionsAreAskedOfTheClob) {
  ASSERT_TRUE(Make("markets", fmt::format("resolutions {}", kCondition)));
  EXPECT_THAT(Asked(), HasSubstr("/resolutions"));
  EXPECT_FALSE(Step(List("")).done);
  EXPECT_THAT(Asked(), HasSubstr(std::string("/markets/") + kCondition));
  const auto step = Read(R"({"error":"not found"})", 404);
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->done);
}

TEST_F(WalksTest, PositionsAreReadByStatusThenTheirValue) {
  ASSERT_TRUE(Make("positions", kHolder));
  EXPECT_THAT(Asked(), HasSubstr("CLOSED"));
  Step(List(""));
  EXPECT_THAT(Asked(), HasSubstr("REDEEMABLE_LOST"));
  Step(List(""));
  EXPECT_THAT(Asked(), HasSubstr("OPEN"));
  const UnitStep open = Step(List(""));
  ASSERT_TRUE(Make("positions", kHolder, open.position));
  EXPECT_THAT(Asked(), HasSubstr("/value"));
  const UnitStep step =
      Step(fmt::format(R"({{"data":{{"proxy_wallet":"{}","value":12.5}}}})", kHolder));
  EXPECT_TRUE(step.done);
  ASSERT_EQ(step.rows.positions_told.size(), 1U);
  EXPECT_EQ(step.rows.positions_told[0].portfolio_value, 12'500'000);
}

TEST_F(WalksTest, ActivityIsCompleteToTheHorizonOfItsPage) {
  ASSERT_TRUE(Make("activity", kHolder));
  walk_->KnowHorizon(kNow);
  const UnitStep step = Step(List(""));
  EXPECT_TRUE(step.done);
  EXPECT_EQ(step.complete_to, kNow);
}

}  // namespace
}  // namespace worker::jobs
