// What is ordered: retries, dry runs, wallets, and what begins by the schedule.
#include <gmock/gmock.h>

#include "tests/coordinator/stages_fixture.h"

namespace coordinator {
namespace {

class OrdersTest : public StagesTest {};

TEST_F(OrdersTest, ARetryTakesWhatFailedOfEveryKind) {
  std::vector<common::WalletAddress> wallets(2);
  wallets[0].bytes[0] = 1;
  wallets[1].bytes[0] = 2;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  EXPECT_EQ(admin.Retry({}).value().run.value, 0);
  Query("INSERT INTO wallet_sync (wallet_id, status) SELECT wallet_id, 3 FROM wallet LIMIT 1");
  Query(
      "INSERT INTO work_unit (kind, task, status, quarantined) VALUES "
      "('markets', 'events open', 3, true), ('markets', 'events closed', 2, false), "
      "('range', 'rpc 100-199', 3, false), ('range', 'rpc 300-399', 3, false), "
      "('positions', '" +
      wallets[0].ToString() +
      "', 3, false), "
      "('positions', '" +
      wallets[1].ToString() + "', 3, false)");
  Query("INSERT INTO coverage VALUES (3, 1, 500, 250)");  // beyond the first range
  const auto retry = admin.Retry({});
  ASSERT_TRUE(retry.has_value()) << retry.error().message;
  EXPECT_EQ(retry->wallets, 1);
  EXPECT_EQ(retry->units, 4);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run WHERE kind = 'retry' AND stages = "
                     "'{markets,range,trades,positions}'"),
            1);
  // It is under way, and its answer may have been lost.
  const auto again = admin.Retry({});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->run, retry->run);
  EXPECT_TRUE(again->attached);
  for (const common::WalletAddress& wallet : wallets)
    EXPECT_TRUE(admin.Retry({wallet}).has_value());
  common::WalletAddress stranger;
  stranger.bytes[0] = 3;
  EXPECT_FALSE(admin.Retry({stranger}).has_value());
  run_ = retry->run;
  auto chunks = Ask<Planned>(PlanRequest{run_, 2}).chunks;
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).task, "events open");
  chunks = FinishStage(chunks);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).task, "rpc 300-399");
  chunks = FinishStage(chunks);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].kind, "trades");
  Query("UPDATE wallet_sync SET status = 2, done_run = " + std::to_string(run_.value));
  chunks = FinishStage(chunks);
  std::size_t positions = 0;
  for (const ChunkRow& chunk : chunks) positions += UnitsOf(chunk).size();
  EXPECT_EQ(positions, 2U);
  EXPECT_TRUE(FinishStage(chunks).empty());
  EXPECT_EQ(Run().outcome, "complete");
  const auto healthy = admin.Retry({stranger, wallets[0]});
  ASSERT_TRUE(healthy.has_value()) << healthy.error().message;
  EXPECT_EQ(healthy->run.value, 0);
}

TEST_F(OrdersTest, ARetryOfAWalletTakesItsFeedsAlone) {
  std::vector<common::WalletAddress> wallets(1);
  wallets[0].bytes[0] = 1;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  Query(
      "INSERT INTO work_unit (kind, task, status) VALUES ('markets', 'events open', 3), "
      "('activity', '" +
      wallets[0].ToString() + "', 3)");
  const auto retry = admin.Retry(wallets);
  ASSERT_TRUE(retry.has_value()) << retry.error().message;
  EXPECT_EQ(retry->units, 1);
  const auto planned = Ask<Planned>(PlanRequest{retry->run, 2}).chunks;
  ASSERT_EQ(planned.size(), 1U);
  EXPECT_EQ(planned[0].kind, "activity");
}

TEST_F(OrdersTest, ARetryThatIsCancelledForgetsNothing) {
  std::vector<common::WalletAddress> wallets(2);
  wallets[0].bytes[0] = 1;
  wallets[1].bytes[0] = 2;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, quarantined) SELECT wallet_id, 3, true "
      "FROM wallet");
  const auto one = admin.Retry({wallets[0]});
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_EQ(one->wallets, 1);
  // Two retries never have the same wallet.
  const auto other = admin.Retry({});
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_EQ(other->wallets, 1);
  EXPECT_NE(other->run, one->run);
  EXPECT_TRUE(admin.Retry({})->attached);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_sync WHERE NOT quarantined"), 2);
  EXPECT_TRUE(admin.Cancel(one->run).has_value());
  EXPECT_TRUE(admin.Cancel(other->run).has_value());
  const auto again = admin.Retry({});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->wallets, 2);
  const auto planned = Ask<Planned>(PlanRequest{again->run, 1}).chunks;
  ASSERT_EQ(planned.size(), 1U);
  EXPECT_EQ(UnitsOf(planned[0]).size(), 2U);
}

TEST_F(OrdersTest, WhatARetryBeganAndDidNotEndHasStillFailed) {
  std::vector<common::WalletAddress> wallets(2);
  wallets[0].bytes[0] = 1;
  wallets[1].bytes[0] = 2;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, last_error) SELECT wallet_id, 3, 'HTTP 500' "
      "FROM wallet LIMIT 1");
  Query(
      "INSERT INTO work_unit (kind, task, status, last_error) VALUES "
      "('markets', 'events open', 3, 'HTTP 500'), ('markets', 'events closed', 1, NULL)");
  const auto retry = admin.Retry({});
  ASSERT_TRUE(retry.has_value()) << retry.error().message;
  ASSERT_FALSE(Ask<Planned>(PlanRequest{retry->run, 1}).chunks.empty());
  // Each has stored a page.
  Query("UPDATE wallet_sync SET status = 1");
  Query("UPDATE work_unit SET status = 1");
  EXPECT_EQ(admin.Retry({})->run, retry->run);
  EXPECT_TRUE(admin.Cancel(retry->run).has_value());
  const auto again = admin.Retry({});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->wallets, 1);
  EXPECT_EQ(again->units, 1);
}

TEST_F(OrdersTest, ARetryEndsThoughAnotherRunQuarantinesWhatItTook) {
  Query(
      "INSERT INTO work_unit (kind, task, status, quarantined) VALUES "
      "('markets', 'events open', 3, true)");
  const AdminLedger admin(url_);
  const auto retry = admin.Retry({});
  ASSERT_TRUE(retry.has_value()) << retry.error().message;
  Query("UPDATE work_unit SET quarantined = true, last_error = 'kills workers'");
  run_ = retry->run;
  EXPECT_TRUE(Ask<Planned>(PlanRequest{run_, 2}).chunks.empty());
  EXPECT_TRUE(Ask<RunClosed>(CloseRunRequest{run_, {}, 2}).created.empty());
  EXPECT_EQ(Run().outcome, "incomplete");
  EXPECT_EQ(Run().wallets_quarantined, 1);
}

TEST_F(OrdersTest, ARangeBeginsWhereThereCanBeAnything) {
  RunWish wish;
  wish.action = "range";
  wish.source = "rpc";
  wish.from = 1'700'000'000;
  const AdminLedger admin(url_);
  const auto refused = admin.CreateRun(wish);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, common::ErrorKind::kRejected);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("not at a second"));
  wish.from = 80'000'000;
  EXPECT_TRUE(admin.CreateRun(wish).has_value());
  wish.source = "subgraph";
  wish.from = common::kV1Cutover + 1;
  EXPECT_THAT(admin.CreateRun(wish).error().message, testing::HasSubstr("the subgraph ends at"));
}

TEST_F(OrdersTest, WhoeverNeedsASyncMostIsNotWhoHadOne) {
  for (int i = 1; i <= 6; ++i) {
    Query("INSERT INTO wallet (address, discovered_by) VALUES (decode(lpad('" + std::to_string(i) +
          "', 40, '0'), 'hex'), 'holders')");
  }
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, complete_to, volume, trades_stored, "
      "last_synced_at) VALUES "
      "(1, 2, 500, 200000000000, 90000, now()), "                     // a whale, fresh
      "(2, 2, 100, 5, 90000, now() - interval '2 days'), "            // stale
      "(3, 2, 400, 200000000000, 10, now() - interval '25 hours'), "  // a whale, stale
      "(4, 2, 300, 5, 10, now()), (6, 1, 200, 5, 10, now())");        // fresh; interrupted
  const auto most = [&](int wallets) {
    RunWish wish;
    wish.max_wallets = wallets;
    const auto run = AdminLedger(url_).CreateRun(wish);
    EXPECT_TRUE(run.has_value());
    return std::string(
        Query("SELECT string_agg(wallet_id::text, ',' ORDER BY wallet_id) FROM selection_wallet s "
              "JOIN run r USING (selection) WHERE r.run_id = " +
              std::to_string(run->run.value))
            .Text(0, 0));
  };
  EXPECT_EQ(most(1), "3");
  EXPECT_EQ(most(2), "3,5");
  EXPECT_EQ(most(3), "2,3,5");
  EXPECT_EQ(most(4), "2,3,5,6");
  EXPECT_EQ(most(5), "1,2,3,5,6");
}

TEST_F(OrdersTest, AMissedTimeIsCaughtUpOnceAndNeverOverlaps) {
  const AdminLedger admin(url_);
  Schedule({{"refresh", 1800, true}, {"audit", 60, false}});
  EXPECT_TRUE(Ask<Scheduled>(ScheduleRequest{}).queued.empty());
  Query("UPDATE schedule SET next_at = now() - interval '5 hours'");
  const auto first = Ask<Scheduled>(ScheduleRequest{});
  ASSERT_EQ(first.queued.size(), 1U);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM schedule WHERE name = 'refresh' AND next_at > now()"),
            1);
  Query("UPDATE schedule SET next_at = now() - interval '1 second' WHERE name = 'refresh'");
  EXPECT_TRUE(Ask<Scheduled>(ScheduleRequest{}).queued.empty());
  EXPECT_TRUE(admin.Cancel(first.queued[0]).has_value());
  EXPECT_EQ(Ask<Scheduled>(ScheduleRequest{}).queued.size(), 1U);
}

TEST_F(OrdersTest, WhoHasNoTermSetsNoSchedule) {
  Schedule({{"refresh", 1800, true}});
  PostgresLedger other(url_, "elsewhere", std::chrono::seconds(15), {{"refresh", 86400, false}});
  EXPECT_FALSE(other.HoldTerm({}).has_value());
  EXPECT_EQ(QueryInt("SELECT every_s FROM schedule WHERE name = 'refresh' AND enabled"), 1800);
}

TEST_F(OrdersTest, AnAuditIsClaimedByOneAlone) {
  const AdminLedger admin(url_);
  Schedule({{"audit", 60, true}});
  EXPECT_FALSE(admin.ClaimSchedule("audit").value());
  Query("UPDATE schedule SET next_at = now() - interval '1 second'");
  EXPECT_TRUE(admin.ClaimSchedule("audit").value());
  EXPECT_FALSE(admin.ClaimSchedule("audit").value());
}

TEST_F(OrdersTest, AnAuditThatIsWrittenDownIsTheLastOfItsEntry) {
  const AdminLedger admin(url_);
  Schedule({{"audit", 60, true}, {"refresh", 1800, true}});
  ASSERT_TRUE(admin.NoteRun("audit", 1'700'000'000, 5, true).has_value());
  EXPECT_EQ(QueryInt("SELECT last_run FROM schedule WHERE name = 'audit'"),
            QueryInt("SELECT run_id FROM run WHERE kind = 'audit' AND outcome = 'complete'"));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM schedule WHERE last_run IS NULL"), 1);
  for (const ScheduleRow& row : Ask<Scheduled>(ScheduleRequest{}).schedule) {
    EXPECT_EQ(row.last_run > 0, row.name == "audit");
  }
}

TEST_F(OrdersTest, ContractsAreNoWallets) {
  const auto exchange =
      common::WalletAddress::Parse("0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E").value();
  ASSERT_TRUE(AdminLedger(url_).AddWallets("s", "file", {exchange}).has_value());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet"), 0);
  // Who names one himself learns why it has no trades, but not in each refresh again.
  ASSERT_TRUE(AdminLedger(url_).AddWallets("s", "list", {exchange}).has_value());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due"), 0);
}

TEST_F(OrdersTest, WhoIsNamedIsDueUntilItsOwnSyncHasFinished) {
  std::vector<common::WalletAddress> wallets(3);
  for (std::uint8_t i = 0; i < 3; ++i) wallets[i].bytes[0] = i + 1;
  const AdminLedger admin(url_);
  const auto due = [this] {
    return std::string(
        Query("SELECT coalesce(string_agg(wallet_id::text, ',' ORDER BY wallet_id), '') "
              "FROM wallet_due")
            .Text(0, 0));
  };
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  EXPECT_EQ(due(), "1,2,3");
  const auto chunks = Begin("process");
  ASSERT_EQ(chunks.size(), 1U);
  const auto epoch = Grant(chunks[0]);
  Query("INSERT INTO wallet_sync (wallet_id, status, complete_to, done_run) VALUES (1, 2, 60, " +
        std::to_string(run_.value) + "), (2, 1, 0, 0)");
  Ask<FinishedAnswer>(FinishRequest{run_, chunks[0].id, epoch, {}, {}});
  EXPECT_EQ(due(), "2,3");
  // Named before that was so.
  Query("DELETE FROM wallet_due");
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  ASSERT_TRUE(admin.AddWallets("other", "list", wallets).has_value());
  EXPECT_EQ(due(), "2,3");
}

TEST_F(OrdersTest, ADryRunKeepsNothing) {
  AddMarket(1, "5");
  RunWish wish;
  wish.action = "discover";
  const auto plan = AdminLedger(url_).PlanDry(wish, 2);
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->wallets, 5);  // four walks of Gamma and one feed
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM work_unit"), 0);
}

TEST_F(OrdersTest, ADryRunOfNamedWalletsKeepsNoneOfThem) {
  std::vector<common::WalletAddress> wallets(3);
  for (std::uint8_t i = 0; i < 3; ++i) wallets[i].bytes[0] = i + 1;
  RunWish wish;
  for (const char* action : {"process", "positions"}) {
    wish.action = action;
    const auto plan = AdminLedger(url_).PlanDry(wish, 2, wallets);
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    EXPECT_EQ(plan->wallets, 3) << action;
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM selection_wallet"), 0);
}

TEST_F(OrdersTest, UnitsAndWalletsThatAreThereDrawNoNumbers) {
  std::vector<common::WalletAddress> wallets(2);
  wallets[1].bytes[0] = 1;
  const AdminLedger admin(url_);
  const auto last = [this] {
    return QueryInt(
        "SELECT nextval(pg_get_serial_sequence('wallet', 'wallet_id')) + "
        "nextval(pg_get_serial_sequence('work_unit', 'unit_id'))");
  };
  AddMarket(1, "5");
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
    for (const char* action : {"positions", "markets", "discover"}) {
      Begin(action);
      EXPECT_TRUE(admin.Cancel(run_).has_value());
    }
    if (round == 0) continue;
    EXPECT_EQ(last() - QueryInt("SELECT max(wallet_id) FROM wallet") -
                  QueryInt("SELECT max(unit_id) FROM work_unit"),
              2);
  }
}

}  // namespace
}  // namespace coordinator
