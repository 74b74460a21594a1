#include "coordinator/postgres_ledger.h"

#include <gtest/gtest.h>

#include "common/failpoint.h"
#include "common/lease_session.h"
#include "coordinator/admin_ledger.h"
#include "tests/support/postgres_test.h"

namespace coordinator {
namespace {

using common::ErrorKind;

class PostgresLedgerTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    ledger_.emplace(url_, "here");
    term_ = ledger_->HoldTerm({}).value();
  }
  void TearDown() override { EXPECT_TRUE(common::ArmFailpoints("").has_value()); }

  template <typename T>
  T Ask(const LedgerRequest& request) {
    auto answer = ledger_->Perform(term_, request);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return std::get<T>(std::move(answer).value());
  }

  // A run over `count` wallets 1..count, planned. Returns its chunks.
  std::vector<ChunkRow> PlanRun(int count) {
    std::vector<common::WalletAddress> wallets(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      wallets[static_cast<std::size_t>(i)].bytes[0] = 1;
      wallets[static_cast<std::size_t>(i)].bytes[18] = static_cast<std::uint8_t>(i / 256);
      wallets[static_cast<std::size_t>(i)].bytes[19] = static_cast<std::uint8_t>(i % 256);
    }
    EXPECT_TRUE(AdminLedger(url_).AddWallets("s", "list", wallets).has_value());
    RunWish wish;
    wish.selection = "s";
    run_ = AdminLedger(url_).CreateRun(wish).value().run;
    return Ask<Planned>(PlanRequest{run_, 1}).chunks;
  }
  common::Epoch Grant(const ChunkRow& chunk, const std::string& worker = "w-1") {
    const auto granted = Ask<Granted>(GrantRequest{{{chunk.id, chunk.epoch, {worker}}}});
    return granted.grants.at(0).epoch.value_or(common::Epoch{-1});
  }
  std::vector<WalletRow> WalletsOf(const ChunkRow& chunk) {
    return Ask<Prepared>(PrepareRequest{{chunk.id}}).contents.at(0).wallets;
  }
  void MarkDone(common::WalletId wallet) {
    Query("INSERT INTO wallet_sync (wallet_id, status, done_run) VALUES (" +
          std::to_string(wallet.value) + ", 2, " + std::to_string(run_.value) +
          ") ON CONFLICT (wallet_id) DO UPDATE SET status = 2, done_run = EXCLUDED.done_run");
  }
  RunRow Close() { return Ask<RunClosed>(CloseRunRequest{run_, {}}).run; }

  std::optional<PostgresLedger> ledger_;
  common::Term term_;
  common::RunId run_;
};

TEST_F(PostgresLedgerTest, TheTermIsRenewedByItsHolderAlone) {
  EXPECT_EQ(ledger_->HoldTerm(term_).value(), term_);
  PostgresLedger other(url_, "elsewhere");
  EXPECT_EQ(other.HoldTerm({}).error().kind, ErrorKind::kRejected);
}

TEST_F(PostgresLedgerTest, TheSameHolderTakesOverAtOnceAndTheOldTermWritesNothing) {
  const auto chunks = PlanRun(5);
  PostgresLedger restarted(url_, "here");
  EXPECT_EQ(restarted.HoldTerm({}).value().value, term_.value + 1);
  const auto refused =
      ledger_->Perform(term_, GrantRequest{{{chunks[0].id, chunks[0].epoch, {"w"}}}});
  EXPECT_EQ(refused.error().kind, ErrorKind::kRejected);
  EXPECT_EQ(ledger_->Perform(term_, LoadRequest{}).error().kind, ErrorKind::kRejected);
  EXPECT_EQ(ledger_->HoldTerm(term_).error().kind, ErrorKind::kRejected);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM chunk WHERE state = 'leased'"), 0);
}

TEST_F(PostgresLedgerTest, ATermThatIsOverIsFreeForAnybody) {
  Query("UPDATE coordinator_lease SET expires_at = now() - interval '1 second'");
  PostgresLedger other(url_, "elsewhere");
  EXPECT_EQ(other.HoldTerm({}).value().value, term_.value + 1);
}

TEST_F(PostgresLedgerTest, AFirstTermIsHigherThanThatOfAnOlderDatabase) {
  EXPECT_GT(term_.value, 1'700'000'000);
}

TEST_F(PostgresLedgerTest, PlanningTwiceIsPlanningOnce) {
  const auto chunks = PlanRun(30);
  EXPECT_EQ(Ask<Planned>(PlanRequest{run_, 1}).chunks.size(), chunks.size());
  EXPECT_EQ(QueryInt("SELECT sum(cardinality(wallets)) FROM chunk"), 30);
  EXPECT_EQ(Ask<Loaded>(LoadRequest{}).active->wallets_total, 30);
}

TEST_F(PostgresLedgerTest, AGrantRaisesTheEpochAndHoldsOnlyOnce) {
  const auto chunks = PlanRun(5);
  const auto epoch = Grant(chunks[0]);
  EXPECT_GT(epoch.value, 0);
  EXPECT_EQ(Grant(chunks[0], "another").value, -1);
  // The same wish again is the same grant: its answer may have been lost.
  EXPECT_EQ(Grant(chunks[0]), epoch);
}

TEST_F(PostgresLedgerTest, ContentHasCursorsAndLeavesOutWhatIsDone) {
  const auto chunks = PlanRun(3);
  const auto wallets = WalletsOf(chunks[0]);
  ASSERT_EQ(wallets.size(), 3U);
  MarkDone(wallets[0].id);
  Query("INSERT INTO wallet_cursor VALUES (" + std::to_string(wallets[1].id.value) +
        ", 2, 1, 77, '\\x0102', 5)");
  const auto left = WalletsOf(chunks[0]);
  ASSERT_EQ(left.size(), 2U);
  ASSERT_EQ(left[0].cursors.size(), 1U);
  EXPECT_EQ(left[0].cursors[0].complete_to, 77);
  EXPECT_EQ(left[0].cursors[0].position, std::string("\x01\x02"));
}

TEST_F(PostgresLedgerTest, AChunkWithoutAnythingLeftIsReadAsEmpty) {
  const auto chunks = PlanRun(2);
  for (const auto& wallet : WalletsOf(chunks[0])) MarkDone(wallet.id);
  EXPECT_TRUE(WalletsOf(chunks[0]).empty());
  EXPECT_TRUE(
      Ask<FinishedAnswer>(FinishRequest{run_, chunks[0].id, chunks[0].epoch, {}, {}}).closed);
  EXPECT_EQ(Close().outcome, "complete");
}

TEST_F(PostgresLedgerTest, FinishedIsAcknowledgedAgainButFromOneEpochOnly) {
  const auto chunks = PlanRun(2);
  const auto epoch = Grant(chunks[0]);
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, done_run, trades_stored) SELECT wallet_id, 2, " +
      std::to_string(run_.value) + ", 21 FROM wallet");
  const FinishRequest request{run_, chunks[0].id, epoch, {}, {10, 2, 1, 0}};
  EXPECT_TRUE(Ask<FinishedAnswer>(request).closed);
  EXPECT_TRUE(Ask<FinishedAnswer>(request).closed);
  EXPECT_FALSE(
      Ask<FinishedAnswer>(FinishRequest{run_, chunks[0].id, {epoch.value - 1}, {}, {}}).closed);
  const RunRow run = Close();
  EXPECT_EQ(run.outcome, "complete");
  EXPECT_EQ(run.trades, 42);  // as the database has it, not as BEATs told
  EXPECT_EQ(run.requests, 2);
  EXPECT_EQ(run.wallets_done, 2);
}

TEST_F(PostgresLedgerTest, AFailedWalletIsTriedThreeMoreTimesAndThenNamed) {
  auto chunk = PlanRun(1).at(0);
  const auto wallet = WalletsOf(chunk).at(0).id;
  for (int round = 0; round <= kRetryRounds; ++round) {
    EXPECT_EQ(chunk.round, round);
    const auto epoch = Grant(chunk);
    const auto answer = Ask<FinishedAnswer>(
        FinishRequest{run_, chunk.id, epoch, {{wallet, false, "too slow"}}, {}});
    ASSERT_EQ(answer.created.size(), round < kRetryRounds ? 1U : 0U);
    if (round == kRetryRounds) {
      EXPECT_EQ(answer.failed_now, 1);
      break;
    }
    EXPECT_GT(answer.created[0].due_in, std::chrono::seconds(round == 0 ? 3 : 15));
    chunk = answer.created[0];
  }
  EXPECT_EQ(Close().outcome, "incomplete");
  const auto failed = AdminLedger(url_).FailedOf(run_, 10).value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].reason, "too slow");
}

TEST_F(PostgresLedgerTest, ARejectedWalletIsNeverTriedAgain) {
  const auto chunk = PlanRun(1).at(0);
  const auto wallet = WalletsOf(chunk).at(0).id;
  const auto answer = Ask<FinishedAnswer>(
      FinishRequest{run_, chunk.id, Grant(chunk), {{wallet, true, "no such wallet"}}, {}});
  EXPECT_TRUE(answer.created.empty());
  EXPECT_EQ(Close().outcome, "incomplete");
}

TEST_F(PostgresLedgerTest, AWalletThatNobodyAnsweredForComesBack) {
  const auto chunk = PlanRun(3).at(0);
  const auto wallets = WalletsOf(chunk);
  MarkDone(wallets[0].id);
  const auto answer = Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, Grant(chunk), {}, {}});
  ASSERT_EQ(answer.created.size(), 1U);
  EXPECT_EQ(answer.created[0].wallets, 2U);
  EXPECT_EQ(answer.created[0].round, 0);
  EXPECT_EQ(Close().state, "running");
}

TEST_F(PostgresLedgerTest, TakenBackItFencesItsHolderAndIsolatesSuspects) {
  const auto chunk = PlanRun(4).at(0);
  const auto wallets = WalletsOf(chunk);
  const auto epoch = Grant(chunk);
  const auto answer = Ask<Reclaimed>(
      ReclaimRequest{run_, chunk.id, epoch, {"w-1"}, {wallets[1].id, wallets[2].id}, false, 1});
  EXPECT_EQ(answer.chunk.state, ChunkRow::State::kPending);
  EXPECT_GT(answer.chunk.epoch, epoch);
  EXPECT_EQ(answer.chunk.wallets, 2U);
  ASSERT_EQ(answer.created.size(), 2U);
  EXPECT_TRUE(answer.created[0].suspect);
  EXPECT_EQ(answer.created[0].wallets, 1U);
  EXPECT_FALSE(Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, epoch, {}, {}}).closed);
}

TEST_F(PostgresLedgerTest, AHolderThatIsFrozenWithTheRowLockedIsEnded) {
  const auto chunk = PlanRun(2).at(0);
  const auto epoch = Grant(chunk);
  common::PgConnection frozen = Connect();
  ASSERT_TRUE(frozen
                  .ExecScript("BEGIN; SET LOCAL application_name = '" +
                              common::LeaseSessionName(chunk.id, epoch) +
                              "'; SELECT 1 FROM chunk FOR SHARE")
                  .has_value());
  const ReclaimRequest request{run_, chunk.id, epoch, {"w-1"}, {}, false, 1};
  // The first try finds the row locked and ends the session, without losing the term.
  const auto first = ledger_->Perform(term_, request);
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(ledger_->HoldTerm(term_).value(), term_);
  EXPECT_GT(Ask<Reclaimed>(request).chunk.epoch, epoch);
  EXPECT_FALSE(frozen.Exec("COMMIT").has_value());
}

// It gives back what it has not begun, and its own transaction, which it cannot end, is in the way.
TEST_F(PostgresLedgerTest, AHolderThatIsCutOffWithTheRowLockedStopsNoSplit) {
  const auto chunk = PlanRun(2).at(0);
  const auto wallet = WalletsOf(chunk).at(0).id;
  const auto epoch = Grant(chunk);
  common::PgConnection cut_off = Connect();
  ASSERT_TRUE(cut_off
                  .ExecScript("BEGIN; SET LOCAL application_name = '" +
                              common::LeaseSessionName(chunk.id, epoch) +
                              "'; SELECT 1 FROM chunk FOR SHARE")
                  .has_value());
  const SplitRequest request{run_, chunk.id, epoch, {wallet}, 1};
  const auto first = ledger_->Perform(term_, request);
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().kind, ErrorKind::kTransient);
  EXPECT_EQ(Ask<SplitAnswer>(request).wallets_left, 1U);
  EXPECT_FALSE(cut_off.Exec("COMMIT").has_value());
}

TEST_F(PostgresLedgerTest, AWalletWhoseBatchWasRefusedIsTriedAlone) {
  const auto chunk = PlanRun(3).at(0);
  const auto wallets = WalletsOf(chunk);
  const auto epoch = Grant(chunk);
  std::vector<WalletFailure> failures;
  for (const auto& wallet : wallets) failures.push_back({wallet.id, false, "refused", true});
  const auto answer = Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, epoch, failures, {}});
  ASSERT_EQ(answer.created.size(), 3U);
  for (const ChunkRow& row : answer.created) EXPECT_EQ(row.wallets, 1U);
}

TEST_F(PostgresLedgerTest, ARunCountsWhatWasDoneBeforeItsChunkWasTakenBack) {
  const auto chunk = PlanRun(2).at(0);
  const auto wallets = WalletsOf(chunk);
  const auto epoch = Grant(chunk);
  MarkDone(wallets[0].id);
  Query("UPDATE wallet_sync SET trades_stored = 70");
  const auto taken =
      Ask<Reclaimed>(ReclaimRequest{run_, chunk.id, epoch, {"w-1"}, {}, false, 1}).chunk;
  EXPECT_EQ(taken.wallets, 1U);
  const auto again = Grant(taken);
  MarkDone(wallets[1].id);
  Query("UPDATE wallet_sync SET trades_stored = 5 WHERE trades_stored = 0");
  EXPECT_TRUE(Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, again, {}, {}}).closed);
  const RunRow run = Close();
  EXPECT_EQ(run.state, "finished");
  EXPECT_EQ(run.trades, 75);
  EXPECT_EQ(QueryInt("SELECT wallets_processed FROM sync_runs"), 2);
}

TEST_F(PostgresLedgerTest, ARunCountsWhatAQuarantinedWalletGotBefore) {
  const auto chunk = PlanRun(1).at(0);
  const auto wallet = WalletsOf(chunk).at(0).id;
  Query("INSERT INTO wallet_sync (wallet_id, status, trades_stored) VALUES (" +
        std::to_string(wallet.value) + ", 1, 30)");
  ChunkRow now = chunk;
  for (int death = 0; death < 3; ++death) {
    now = Ask<Reclaimed>(ReclaimRequest{run_, chunk.id, Grant(now), {"w-1"}, {}, true, 1}).chunk;
  }
  EXPECT_EQ(now.state, ChunkRow::State::kDone);
  const RunRow run = Close();
  EXPECT_EQ(run.outcome, "incomplete");
  EXPECT_EQ(run.trades, 30);
}

TEST_F(PostgresLedgerTest, AWalletThatAdvancedUnderThisLeaseIsNotBlamed) {
  const auto chunk = PlanRun(2).at(0);
  const auto wallet = WalletsOf(chunk).at(0).id;
  const auto epoch = Grant(chunk);
  Query("INSERT INTO wallet_cursor VALUES (" + std::to_string(wallet.value) + ", 2, 1, 0, '', " +
        std::to_string(epoch.value) + ")");
  const auto answer =
      Ask<Reclaimed>(ReclaimRequest{run_, chunk.id, epoch, {"w-1"}, {wallet}, false, 1});
  EXPECT_TRUE(answer.created.empty());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_blame"), 0);
}

TEST_F(PostgresLedgerTest, ThreeLonelyDeathsAreQuarantineAndRetryForgives) {
  auto chunk = PlanRun(1).at(0);
  for (int death = 1; death <= kBlamesToQuarantine; ++death) {
    const auto epoch = Grant(chunk);
    const auto answer = Ask<Reclaimed>(ReclaimRequest{run_, chunk.id, epoch, {"w-1"}, {}, true, 1});
    EXPECT_EQ(answer.quarantined.size(), death < kBlamesToQuarantine ? 0U : 1U);
    chunk = answer.chunk;
  }
  EXPECT_EQ(chunk.state, ChunkRow::State::kDone);
  const RunRow run = Close();
  EXPECT_EQ(run.outcome, "incomplete");
  EXPECT_EQ(run.wallets_quarantined, 1);
  common::WalletAddress address;
  address.bytes[0] = 1;  // the first that PlanRun makes
  const auto view = AdminLedger(url_).Wallet(address).value();
  ASSERT_TRUE(view.has_value());
  EXPECT_TRUE(view->quarantined);
  // The next run leaves it out and says so; an operator's retry takes it in again.
  RunWish all;
  all.all = true;
  const auto next = AdminLedger(url_).CreateRun(all).value().run;
  EXPECT_TRUE(Ask<Planned>(PlanRequest{next, 1}).chunks.empty());
  EXPECT_EQ(Ask<RunClosed>(CloseRunRequest{next, {}}).run.outcome, "incomplete");
  const auto retry = AdminLedger(url_).Retry({}).value();
  EXPECT_EQ(retry.wallets, 1);
  const auto planned = Ask<Planned>(PlanRequest{retry.run, 1}).chunks;
  ASSERT_EQ(planned.size(), 1U);
  EXPECT_FALSE(planned[0].suspect);
}

TEST_F(PostgresLedgerTest, ACutChunkKeepsEveryWallet) {
  const auto chunk = PlanRun(10).at(0);
  const auto answer =
      Ask<Reclaimed>(ReclaimRequest{run_, chunk.id, Grant(chunk), {"w-1"}, {}, false, 8});
  EXPECT_GE(answer.created.size(), 7U);
  EXPECT_EQ(QueryInt("SELECT count(DISTINCT w) FROM chunk, unnest(wallets) w"), 10);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM chunk, unnest(wallets) w"), 10);
}

TEST_F(PostgresLedgerTest, SplitMovesOnlyWhatIsStillThere) {
  const auto chunk = PlanRun(6).at(0);
  const auto wallets = WalletsOf(chunk);
  const auto epoch = Grant(chunk);
  const SplitRequest request{
      run_, chunk.id, epoch, {wallets[3].id, wallets[4].id, wallets[5].id, {999}}, 2};
  const auto answer = Ask<SplitAnswer>(request);
  EXPECT_EQ(answer.wallets_left, 3U);
  EXPECT_EQ(answer.created.size(), 2U);
  EXPECT_EQ(Ask<SplitAnswer>(request).wallets_left, 3U);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM chunk, unnest(wallets) w"), 6);
}

TEST_F(PostgresLedgerTest, AnAnswerThatIsLostAfterItsCommitIsGivenAgain) {
  const auto chunks = PlanRun(3);
  ASSERT_TRUE(common::ArmFailpoints("after_grant_commit@1=error").has_value());
  const GrantRequest wish{{{chunks[0].id, chunks[0].epoch, {"w-1"}}}};
  EXPECT_EQ(ledger_->Perform(term_, wish).error().kind, ErrorKind::kTransient);
  EXPECT_TRUE(Ask<Granted>(wish).grants[0].epoch.has_value());
}

TEST_F(PostgresLedgerTest, ACancelledRunHasNoOpenChunk) {
  const auto chunks = PlanRun(3);
  const auto epoch = Grant(chunks[0]);
  EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  EXPECT_FALSE(AdminLedger(url_).Cancel(run_).has_value());
  EXPECT_FALSE(Ask<FinishedAnswer>(FinishRequest{run_, chunks[0].id, epoch, {}, {}}).closed);
  EXPECT_FALSE(Ask<Loaded>(LoadRequest{}).active.has_value());
}

TEST_F(PostgresLedgerTest, TheSameWishTwiceIsOneRun) {
  PlanRun(3);
  RunWish wish;
  wish.selection = "s";
  EXPECT_TRUE(AdminLedger(url_).CreateRun(wish).value().attached);
  wish.source = "subgraph";
  EXPECT_FALSE(AdminLedger(url_).CreateRun(wish).value().attached);
  RunWish most;
  most.max_wallets = 2;
  const auto first = AdminLedger(url_).CreateRun(most).value();
  EXPECT_EQ(AdminLedger(url_).CreateRun(most).value().run, first.run);
}

TEST_F(PostgresLedgerTest, SettingsAreKept) {
  const AdminLedger admin(url_);
  EXPECT_TRUE(admin.SetPaused(true).has_value());
  EXPECT_TRUE(admin.SetDesired(7).has_value());
  EXPECT_TRUE(admin.SetStopped("worker-3", true).has_value());
  EXPECT_TRUE(admin.SetStopped("worker-3", true).has_value());
  EXPECT_TRUE(admin.SetStopped("worker-4", true).has_value());
  EXPECT_TRUE(admin.SetStopped("worker-4", false).has_value());
  const auto settings = Ask<Loaded>(LoadRequest{}).settings;
  EXPECT_TRUE(settings.paused);
  EXPECT_EQ(settings.desired, 7);
  EXPECT_EQ(settings.stopped, std::vector<std::string>{"worker-3"});
}

}  // namespace
}  // namespace coordinator
