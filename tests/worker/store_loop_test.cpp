#include "worker/store_loop.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/worker/memory_trade_store.h"
#include "tests/worker/temporary_directory.h"

namespace worker {
namespace {

using common::ChunkId;
using common::Epoch;
using common::WalletId;
using std::chrono::milliseconds;
using std::chrono::seconds;

class StoreLoopTest : public testing::Test {
 protected:
  StoreLoopTest() : checkpoint_(OpenCheckpoint()) {
    loop_.emplace(store_, checkpoint_, clock_, 1,
                  common::BackoffPolicy{milliseconds(5), milliseconds(20)});
    loop_->Start();
  }

  Checkpoint OpenCheckpoint() {
    auto opened = Checkpoint::Open(directory_.path(), common::WorkerId{"w-1"});
    return std::move(opened.value());
  }
  static store::Batch BatchOf(std::int64_t chunk, std::int64_t epoch, std::int64_t key) {
    store::Batch batch;
    batch.run = common::RunId{1};
    batch.chunk = ChunkId{chunk};
    batch.epoch = Epoch{epoch};
    batch.rows.resize(1);
    batch.rows[0].wallet = WalletId{7};
    batch.rows[0].trade.event_key = key;
    store::WalletProgress progress;
    progress.wallet = WalletId{7};
    progress.cursor = common::Cursor{common::Source::kDataApi, 1, key, "p"};
    batch.wallets.push_back(progress);
    return batch;
  }
  void Mail(StoreCommand command) {
    const auto until = clock_.Now() + seconds(10);
    while (!loop_->Offer(command) && clock_.Now() < until) WaitForReport();
  }
  void WaitForReport() {
    pollfd waiting{loop_->fd(), POLLIN, 0};
    poll(&waiting, 1, 100);
    for (auto& report : loop_->Collect()) reports_.push_back(std::move(report));
  }
  template <typename Report>
  std::vector<Report> Reports(std::size_t count) {
    const auto until = clock_.Now() + seconds(10);
    while (true) {
      std::vector<Report> found;
      for (const auto& report : reports_) {
        if (const auto* match = std::get_if<Report>(&report)) found.push_back(*match);
      }
      if (found.size() >= count || clock_.Now() >= until) return found;
      WaitForReport();
    }
  }

  common::SystemClock clock_;
  TemporaryDirectory directory_;
  MemoryTradeStore store_;
  Checkpoint checkpoint_;
  std::optional<StoreLoop> loop_;
  std::vector<StoreReport> reports_;
};

TEST_F(StoreLoopTest, CommitsThenNotesThenReports) {
  Mail(WriteBatch{4, BatchOf(1, 5, 10)});
  const auto written = Reports<BatchWritten>(1);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].stream, 4U);
  EXPECT_EQ(written[0].receipt.stored, 1U);
  const auto file = ReadCheckpoint(directory_.path() + "/checkpoint.log");
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(file->wallets.size(), 1U);
  EXPECT_EQ(file->wallets[0].cursor.complete_to, 10);
}

TEST_F(StoreLoopTest, InsistsWhileTheDatabaseIsAwayAndSaysSo) {
  store_.TakeAway("connection refused");
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  ASSERT_EQ(Reports<DatabaseAway>(1).at(0).reason, "connection refused");
  EXPECT_TRUE(Reports<BatchWritten>(0).empty());
  store_.TakeAway("");
  EXPECT_EQ(Reports<BatchWritten>(1).at(0).receipt.stored, 1U);
  EXPECT_EQ(Reports<DatabaseAway>(2).at(1).reason, "");
  EXPECT_GT(loop_->database_retries(), 0U);
}

TEST_F(StoreLoopTest, FencedBatchIsReportedAndNotNoted) {
  store_.FenceBelow(Epoch{6});
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  EXPECT_TRUE(Reports<BatchWritten>(1).at(0).receipt.fenced);
  EXPECT_FALSE(checkpoint_.Find(WalletId{7}).has_value());
}

TEST_F(StoreLoopTest, CursorOfAContradictedWalletIsNotNoted) {
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  store::Batch nothing = BatchOf(1, 5, 20);
  nothing.rows.clear();
  nothing.wallets[0].nothing_since = 1;
  Mail(WriteBatch{1, nothing});
  ASSERT_EQ(Reports<BatchWritten>(2).size(), 2U);
  const auto file = ReadCheckpoint(directory_.path() + "/checkpoint.log");
  ASSERT_EQ(file->wallets.size(), 1U);
  EXPECT_EQ(file->wallets[0].cursor.complete_to, 10);
}

TEST_F(StoreLoopTest, NothingPassesARefusedBatchOfItsStream) {
  store_.Refuse(ChunkId{1});
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  Mail(WriteBatch{2, BatchOf(2, 5, 10)});
  ASSERT_EQ(Reports<BatchWritten>(2).size(), 2U);
  store_.Refuse(ChunkId{-1});
  Mail(WriteBatch{1, BatchOf(1, 5, 11)});
  const auto written = Reports<BatchWritten>(3);
  EXPECT_TRUE(written.at(0).refused.has_value());
  EXPECT_FALSE(written.at(1).refused.has_value());
  EXPECT_TRUE(written.at(2).refused.has_value());
}

TEST_F(StoreLoopTest, EndsInTimeWhileTheDatabaseIsAway) {
  store_.TakeAway("away");
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  Reports<DatabaseAway>(1);
  EXPECT_TRUE(loop_->Stop(seconds(5)));
}

TEST_F(StoreLoopTest, TermIsKept) {
  Mail(NoteTerm{common::Term{12}});
  Mail(WriteBatch{1, BatchOf(1, 5, 10)});
  Reports<BatchWritten>(1);
  EXPECT_TRUE(loop_->Stop(seconds(5)));
  EXPECT_EQ(ReadCheckpoint(directory_.path() + "/checkpoint.log")->highest_term, common::Term{12});
}

TEST_F(StoreLoopTest, AMarketThatIsRefusedKeepsNoOtherOut) {
  WriteMarkets write;
  write.markets.resize(9);
  write.markets[6].slug = "refused";
  write.tokens.resize(9);
  Mail(write);
  const auto settled = Reports<TokensSettled>(1);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].tokens.size(), 9U);
  EXPECT_EQ(store_.markets(), 8U);
}

}  // namespace
}  // namespace worker
