// Walks by blocks: how far a node is trusted, and forks.
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/worker/jobs/walks_fixture.h"
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
class RpcWalksTest : public WalksFixture {
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
      return Read(ResultText(1, TextOf(number)));
    }
    const std::size_t from_at = asked.find("0x", asked.find("fromBlock"));
    const std::size_t to_at = asked.find("0x", asked.find("toBlock"));
    const std::uint64_t from = std::stoull(asked.substr(from_at), nullptr, 16);
    const std::uint64_t to = std::stoull(asked.substr(to_at), nullptr, 16);
    std::vector<sources::TestLog> logs;
    for (const std::uint64_t block : fills_) {
      if (from > block || block > to) continue;
      logs.push_back(Log(block, ChainOf(block)));
      logs.back().time = static_cast<std::uint64_t>(TimeOf(block));
      if (block == without_shares_) logs.back().words.at(3) = "0";
    }
    std::string body = "[" + LogsResult(logs);
    int id = 1;
    for (std::size_t at = 0; (at = asked.find("eth_getBlockByNumber", at)) != std::string::npos;) {
      at = asked.find("0x", at);
      const std::uint64_t block = std::stoull(asked.substr(at), nullptr, 16);
      body += "," + ResultText(++id, TextOf(block));
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
  // A block takes two seconds, or one where the new chain is dense.
  common::UnixSeconds TimeOf(std::uint64_t block) const {
    const std::uint64_t sooner = dense_ && block > forked_ ? block - forked_ : 0;
    return static_cast<common::UnixSeconds>(1'700'000'000 + 2 * block - sooner);
  }
  std::string TextOf(std::uint64_t block) const {
    return BlockText(block, static_cast<std::uint64_t>(TimeOf(block)), ChainOf(block));
  }

  std::uint64_t head_ = kBlock + 100'000;
  std::uint64_t forked_ = std::numeric_limits<std::uint64_t>::max();
  bool dense_ = false;
  std::uint64_t without_shares_ = 0;  // a block whose fill is no trade
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

TEST_F(RpcWalksTest, ALogThatIsNoTradeHoldsItsWalletBackAndNotTheRange) {
  ASSERT_TRUE(Make("range", fmt::format("rpc {}-{}", kBlock, kBlock + 999)));
  without_shares_ = fills_.back();
  std::size_t trades = 0;
  std::vector<store::FoundWallet> left_out;
  UnitStep step = Stored();
  for (; !step.done; step = Stored()) {
    trades += step.rows.trades.size();
    for (const store::FoundWallet& wallet : step.rows.wallets) left_out.push_back(wallet);
  }
  EXPECT_EQ(trades, 1U);
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_EQ(left_out[0].address.ToString(), Log(kBlock).maker);
  EXPECT_TRUE(left_out[0].is_left_out);
  EXPECT_GE(left_out[0].seen_ts, TimeOf(without_shares_));
  EXPECT_EQ(step.reached, static_cast<std::int64_t>(kBlock) + 999);
  EXPECT_EQ(step.shortfall, "");
  EXPECT_TRUE(step.span.has_value());
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

// Replacing goes by seconds, and those of a denser chain have blocks of the neighbour above.
TEST_F(RpcForksTest, DenserChainIsToldAsFarAsWasReplaced) {
  const std::string task = fmt::format("rpc {}-{}", kBlock, kBlock + 999);
  fills_ = {kBlock + 700, kBlock + 1100, kBlock + 1500};
  ASSERT_TRUE(Make("range", task));
  ToItsEnd();
  EXPECT_EQ(told_, 1U);
  forked_ = kBlock + 600;
  dense_ = true;
  MakeAgain(task);
  // Killed behind every page.
  UnitStep step;
  std::size_t told = 0;
  common::UnixSeconds replaced_to = 0;
  for (int i = 0; i < 100 && !step.done; ++i) {
    step = Stored();
    told += step.rows.trades.size();
    for (const store::ReplacedSpan& span : step.rows.replaced) replaced_to = span.to;
    position_ = step.position;
    if (!step.done) MakeAgain(task);
  }
  ASSERT_TRUE(step.span);
  EXPECT_EQ(replaced_to, SecondOf(kBlock + 999));
  EXPECT_EQ(step.span->last.ts, replaced_to);
  EXPECT_GE(told, 2U) << "the neighbour's fill in those seconds, too";
}

TEST_F(RpcForksTest, NodeThatStopsBeforeTheNewChainIsDeepEnoughIsAFailure) {
  const std::string task = fmt::format("rpc {}-{}", kBlock, kBlock + 999);
  ASSERT_TRUE(Make("range", task));
  ToItsEnd();
  forked_ = kBlock + 500;
  head_ = kBlock + 700;  // none of the new blocks is confirmed
  MakeAgain(task);
  const auto error_of = [this] {
    for (int i = 0; i < 100; ++i) {
      const auto step = Answer();
      if (!step) return step.error();
      EXPECT_FALSE(step->done);
    }
    ADD_FAILURE() << "no end";
    return common::Error{};
  };
  EXPECT_EQ(error_of().kind, ErrorKind::kTransient) << "there may be more in a moment";
  now_ = 1'700'000'000 + 2 * static_cast<common::UnixSeconds>(head_) + 16 * 60;
  common::Error error = error_of();
  for (int i = 0; i < 10 && error.kind == ErrorKind::kTransient; ++i) error = error_of();
  EXPECT_EQ(error.kind, ErrorKind::kRejected);
  EXPECT_THAT(error.message, HasSubstr("minutes behind"));
  EXPECT_FALSE(walk_->Restart());
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

}  // namespace
}  // namespace worker::jobs
