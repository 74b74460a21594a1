// Stages and units on a real PostgreSQL: what a worker would write is written by hand.
#include <gtest/gtest.h>

#include "common/failpoint.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/postgres_ledger.h"
#include "tests/support/postgres_test.h"

namespace coordinator {
namespace {

class StagesTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    ledger_.emplace(url_, "here");
    term_ = ledger_->HoldTerm({}).value();
  }
  void TearDown() override { EXPECT_TRUE(common::ArmFailpoints("").has_value()); }

  // A coordinator that is started with this schedule.
  void Schedule(const std::vector<ScheduleWish>& schedule) {
    ledger_.emplace(url_, "here", std::chrono::seconds(15), schedule);
    term_ = ledger_->HoldTerm({}).value();
  }
  template <typename T>
  T Ask(const LedgerRequest& request) {
    auto answer = ledger_->Perform(term_, request);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return std::get<T>(std::move(answer).value());
  }
  std::vector<ChunkRow> Begin(const std::string& action, const std::string& source = "auto") {
    RunWish wish;
    wish.action = action;
    wish.source = source;
    const auto run = AdminLedger(url_).CreateRun(wish);
    EXPECT_TRUE(run.has_value()) << (run ? "" : run.error().message);
    run_ = run->run;
    return Ask<Planned>(PlanRequest{run_, 2}).chunks;
  }
  std::vector<WalletRow> UnitsOf(const ChunkRow& chunk) {
    return Ask<Prepared>(PrepareRequest{{chunk.id}}).contents.at(0).wallets;
  }
  common::Epoch Grant(const ChunkRow& chunk) {
    const auto granted = Ask<Granted>(GrantRequest{{{chunk.id, chunk.epoch, {"w-1"}}}});
    return granted.grants.at(0).epoch.value_or(common::Epoch{-1});
  }
  // As a worker does it in its own transaction.
  void MarkDone(common::WalletId unit, const std::string& more = "") {
    Query("UPDATE work_unit SET status = 2, done_run = " + std::to_string(run_.value) + more +
          " WHERE unit_id = " + std::to_string(unit.value));
  }
  FinishedAnswer FinishAll(const ChunkRow& chunk, const std::string& more = "") {
    const auto units = UnitsOf(chunk);
    const auto epoch = Grant(chunk);
    for (const WalletRow& unit : units) MarkDone(unit.id, more);
    return Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, epoch, {}, {}});
  }
  // Works through the stage under way, and returns the chunks of the next one.
  std::vector<ChunkRow> FinishStage(const std::vector<ChunkRow>& chunks) {
    for (const ChunkRow& chunk : chunks) EXPECT_TRUE(FinishAll(chunk).closed);
    return Ask<RunClosed>(CloseRunRequest{run_, {}, 2}).created;
  }
  void AddMarket(int number, const std::string& volume, const std::string& closed = "false") {
    Query("INSERT INTO market (condition_id, volume, closed, closed_time) VALUES (decode(lpad('" +
          std::to_string(number) + "', 64, '0'), 'hex'), " + volume + ", " + closed + ", now())");
  }
  RunRow Run() { return AdminLedger(url_).Run(run_).value(); }

  std::optional<PostgresLedger> ledger_;
  common::Term term_;
  common::RunId run_;
};

TEST_F(StagesTest, MarketsAreFourWalksEachAlone) {
  const auto chunks = Begin("markets");
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(chunks[0].kind, "markets");
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).task, "markets closed");
  EXPECT_EQ(UnitsOf(chunks[3]).at(0).task, "events open");
}

TEST_F(StagesTest, AStageBeginsWhenTheOneBeforeIsFinished) {
  const auto markets = Begin("discover");
  ASSERT_EQ(markets.size(), 4U);
  AddMarket(1, "5");
  AddMarket(2, "NULL");
  const auto holders = FinishStage(markets);
  ASSERT_FALSE(holders.empty());
  EXPECT_EQ(holders[0].kind, "holders");
  const RunRow run = Run();
  EXPECT_EQ(run.stage, 2);
  EXPECT_EQ(run.stages.at(0).done, 4);
  EXPECT_EQ(run.stages.at(1).total, 2);
  EXPECT_EQ(run.wallets_total, 6);
}

TEST_F(StagesTest, TheLastStageEndsTheRun) {
  FinishStage(FinishStage(Begin("markets")));
  EXPECT_EQ(Run().outcome, "complete");
  EXPECT_EQ(QueryInt("SELECT count(*) FROM sync_runs WHERE kind = 'markets'"), 1);
}

TEST_F(StagesTest, ALostAnswerAboutAStageIsGivenAgain) {
  const auto markets = Begin("discover");
  AddMarket(1, "5");
  for (const ChunkRow& chunk : markets) FinishAll(chunk);
  ASSERT_TRUE(common::ArmFailpoints("after_stage_commit@1=error").has_value());
  RunUse use;
  use.requests = 7;
  EXPECT_FALSE(ledger_->Perform(term_, CloseRunRequest{run_, use, 2}).has_value());
  const auto closed = Ask<RunClosed>(CloseRunRequest{run_, use, 2});
  EXPECT_EQ(closed.run.requests, 7);
  EXPECT_EQ(closed.created.size(), 1U);
  EXPECT_EQ(closed.run.stage, 2);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM chunk WHERE kind = 'holders'"), 1);
}

TEST_F(StagesTest, OnlyMarketsThatMovedAreAskedAgain) {
  AddMarket(1, "5");
  AddMarket(2, "7");
  FinishStage(Begin("discover"));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM market WHERE volume_fed = volume"), 2);
  Query("UPDATE market SET volume = 8 WHERE volume = 7");
  const auto chunks = Begin("discover");
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(UnitsOf(chunks[0]).size(), 1U);
}

TEST_F(StagesTest, AUnitThatFailsIsTriedAgainAndThenListed) {
  auto chunks = Begin("markets");
  const auto unit = UnitsOf(chunks[0]).at(0).id;
  ChunkRow chunk = chunks[0];
  for (int round = 0; round <= kRetryRounds; ++round) {
    const auto epoch = Grant(chunk);
    const auto answer =
        Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, epoch, {{unit, false, "HTTP 500"}}, {}});
    ASSERT_EQ(answer.created.size(), round < kRetryRounds ? 1U : 0U);
    if (round < kRetryRounds) chunk = answer.created[0];
  }
  const auto failed = AdminLedger(url_).FailedOf(run_, 10).value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].wallet, "markets: markets closed");
  EXPECT_EQ(Run().stages.at(0).failed, 1);
}

TEST_F(StagesTest, AUnitThatKillsItsWorkersIsQuarantined) {
  auto chunks = Begin("markets");
  for (int death = 1; death <= kBlamesToQuarantine; ++death) {
    const auto epoch = Grant(chunks[0]);
    const auto back =
        Ask<Reclaimed>(ReclaimRequest{run_, chunks[0].id, epoch, {"w-1"}, {}, true, 1});
    EXPECT_EQ(back.quarantined.size(), death < kBlamesToQuarantine ? 0U : 1U);
    chunks[0] = back.chunk;
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM work_unit WHERE quarantined"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_sync"), 0);
  EXPECT_EQ(Run().wallets_quarantined, 1);
}

TEST_F(StagesTest, ARetryTakesWhatFailedOfEveryKind) {
  std::vector<common::WalletAddress> wallets(2);
  wallets[0].bytes[0] = 1;
  wallets[1].bytes[0] = 2;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "list", wallets).has_value());
  EXPECT_FALSE(admin.Retry({}).has_value());
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
  EXPECT_FALSE(admin.Retry({wallets[0]}).has_value());
}

TEST_F(StagesTest, ARetryOfAWalletTakesItsFeedsAlone) {
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

TEST_F(StagesTest, AWholeDiscoveryReadsMarketsThatHaveNotMoved) {
  AddMarket(1, "500");
  AddMarket(2, "900");
  Query("UPDATE market SET volume_fed = volume");
  EXPECT_TRUE(Begin("discover").empty());
  EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  Query(
      "INSERT INTO work_unit (kind, task, complete_to) "
      "SELECT 'holders', hex0x(condition_id), 77 FROM market LIMIT 1");
  RunWish wish;
  wish.action = "discover";
  wish.all = true;
  run_ = AdminLedger(url_).CreateRun(wish).value().run;
  std::size_t units = 0;
  for (const ChunkRow& chunk : Ask<Planned>(PlanRequest{run_, 2}).chunks) {
    for (const WalletRow& unit : UnitsOf(chunk)) {
      EXPECT_EQ(unit.complete_to, 0);
      ++units;
    }
  }
  EXPECT_EQ(units, 2U);
}

TEST_F(StagesTest, ARunOfRangesCountsTheWalletsThatGotTrades) {
  Begin("range", "subgraph");
  const std::string run = std::to_string(run_.value);
  const auto tell = [&](const std::string& ids) {
    Query("INSERT INTO wallet_sync (wallet_id, told_run) SELECT i, " + run + " FROM unnest('{" +
          ids + "}'::int[]) i ON CONFLICT (wallet_id) DO UPDATE SET told_run = EXCLUDED.told_run");
  };
  Query("INSERT INTO wallet_sync (wallet_id, told_run) VALUES (1, 1000), (2, 0)");
  tell("1,2,3");
  tell("3,4");
  Query("UPDATE wallet_sync SET trades_stored = 9");
  EXPECT_EQ(QueryInt("SELECT wallets_processed FROM sync_runs WHERE run = " + run), 4);
}

TEST_F(StagesTest, APositionGoesOnWithinARunAlone) {
  auto chunks = Begin("markets");
  Query("UPDATE work_unit SET position = '\\x07'");
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).position, "\x07");
  EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  chunks = Begin("markets");
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).position, "");
}

TEST_F(StagesTest, RangesCoverWhatFollowsWithoutAGap) {
  const auto chunks = Begin("range", "subgraph");
  ASSERT_GT(chunks.size(), 20U);
  EXPECT_EQ(QueryInt("SELECT to_ts FROM coverage"), 0);
  FinishAll(chunks[1],
            ", reached = split_part(task, '-', 2)::bigint, complete_to = "
            "split_part(task, '-', 2)::bigint, begins_at = 1");
  EXPECT_EQ(QueryInt("SELECT to_ts FROM coverage"), 0);
  FinishAll(chunks[0],
            ", reached = split_part(task, '-', 2)::bigint, complete_to = "
            "split_part(task, '-', 2)::bigint, begins_at = 1");
  const auto second = std::stoll(UnitsOf(chunks[2]).at(0).task.substr(9));
  EXPECT_EQ(QueryInt("SELECT to_ts FROM coverage"), second - 1);
}

TEST_F(StagesTest, WalletsOfATradesChunkCarryWhatIsCovered) {
  Query("INSERT INTO coverage VALUES (3, 1, 500, 10)");
  std::vector<common::WalletAddress> wallets(2);
  wallets[0].bytes[0] = 1;
  wallets[1].bytes[0] = 2;
  ASSERT_TRUE(AdminLedger(url_).AddWallets("s", "list", wallets).has_value());
  Query("INSERT INTO wallet_cursor SELECT min(wallet_id), 2, 1, 400, '\\x01', 0 FROM wallet");
  const auto chunks = Begin("full");
  auto stage = FinishStage(chunks);
  while (!stage.empty() && stage[0].kind != "trades") stage = FinishStage(stage);
  ASSERT_EQ(stage.size(), 1U);
  const auto rows = UnitsOf(stage[0]);
  ASSERT_EQ(rows.size(), 2U);
  for (const WalletRow& row : rows) {
    // A walk that is under way owns the wallet; what nobody walks is told by the ranges.
    EXPECT_EQ(row.cursors.size(), 1U);
    EXPECT_EQ(row.cursors.at(0).source,
              row.address.bytes[0] == 1 ? common::Source::kDataApi : common::Source::kRpc);
  }
}

TEST_F(StagesTest, ARefreshSyncsWhatIsDueWhalesFirst) {
  for (int i = 1; i <= 4; ++i) {
    Query("INSERT INTO wallet (address, discovered_by) VALUES (decode(lpad('" + std::to_string(i) +
          "', 40, '0'), 'hex'), 'holders')");
  }
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, complete_to, volume) VALUES (1, 2, 50, 5), "
      "(3, 2, 90, 200000000000)");
  Query("INSERT INTO wallet_due (wallet_id, seen_ts) VALUES (1, 60), (2, 70), (3, 95)");
  auto stage = FinishStage(Begin("refresh"));
  while (!stage.empty() && stage[0].kind != "trades") stage = FinishStage(stage);
  std::vector<std::int32_t> order;
  for (const ChunkRow& chunk : stage) {
    for (const WalletRow& row : UnitsOf(chunk)) order.push_back(row.id.value);
  }
  EXPECT_EQ(order, (std::vector<std::int32_t>{3, 2, 1}));
}

TEST_F(StagesTest, AFinishedSyncIsDueNoMore) {
  Query(
      "INSERT INTO wallet (address, discovered_by) VALUES (decode(repeat('01', 20), 'hex'), 'x')");
  Query("INSERT INTO wallet_due (wallet_id, seen_ts) VALUES (1, 60)");
  auto stage = FinishStage(Begin("refresh"));
  while (!stage.empty() && stage[0].kind != "trades") stage = FinishStage(stage);
  ASSERT_EQ(stage.size(), 1U);
  const auto epoch = Grant(stage[0]);
  Query("INSERT INTO wallet_sync (wallet_id, status, complete_to, done_run) VALUES (1, 2, 60, " +
        std::to_string(run_.value) + ")");
  Ask<FinishedAnswer>(FinishRequest{run_, stage[0].id, epoch, {}, {}});
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due"), 0);
}

TEST_F(StagesTest, AMissedTimeIsCaughtUpOnceAndNeverOverlaps) {
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

TEST_F(StagesTest, WhoHasNoTermSetsNoSchedule) {
  Schedule({{"refresh", 1800, true}});
  PostgresLedger other(url_, "elsewhere", std::chrono::seconds(15), {{"refresh", 86400, false}});
  EXPECT_FALSE(other.HoldTerm({}).has_value());
  EXPECT_EQ(QueryInt("SELECT every_s FROM schedule WHERE name = 'refresh' AND enabled"), 1800);
}

TEST_F(StagesTest, AnAuditIsClaimedByOneAlone) {
  const AdminLedger admin(url_);
  Schedule({{"audit", 60, true}});
  EXPECT_FALSE(admin.ClaimSchedule("audit").value());
  Query("UPDATE schedule SET next_at = now() - interval '1 second'");
  EXPECT_TRUE(admin.ClaimSchedule("audit").value());
  EXPECT_FALSE(admin.ClaimSchedule("audit").value());
}

TEST_F(StagesTest, WhatRangesToldCountsAsCompleted) {
  std::vector<common::WalletAddress> wallets(1);
  wallets[0].bytes[0] = 1;
  const AdminLedger admin(url_);
  ASSERT_TRUE(admin.AddWallets("s", "range", wallets).has_value());
  EXPECT_EQ(admin.Count().value().pending, 1);
  Query("INSERT INTO coverage VALUES (3, 1, 500, 10)");
  EXPECT_EQ(admin.Count().value().completed, 1);
  const auto wallet = admin.Wallet(wallets[0]).value();
  EXPECT_EQ(wallet->status, "completed");
  EXPECT_EQ(wallet->complete_to, 500);
}

TEST_F(StagesTest, ContractsAreNoWallets) {
  const auto exchange =
      common::WalletAddress::Parse("0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E").value();
  ASSERT_TRUE(AdminLedger(url_).AddWallets("s", "file", {exchange}).has_value());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet"), 0);
}

TEST_F(StagesTest, ADryRunKeepsNothing) {
  AddMarket(1, "5");
  RunWish wish;
  wish.action = "discover";
  const auto plan = AdminLedger(url_).PlanDry(wish, 2);
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->wallets, 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM run"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM work_unit"), 0);
}

TEST_F(StagesTest, ADryRunOfNamedWalletsKeepsNoneOfThem) {
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

TEST_F(StagesTest, UnitsAndWalletsThatAreThereDrawNoNumbers) {
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

TEST_F(StagesTest, ARangeThatBeginsAnewHasProvenNothing) {
  RunWish wish;
  wish.action = "range";
  wish.source = "rpc";
  wish.from = 100;
  const auto begin = [&] {
    run_ = AdminLedger(url_).CreateRun(wish).value().run;
    return Ask<Planned>(PlanRequest{run_, 1}).chunks;
  };
  ASSERT_FALSE(begin().empty());
  Query("UPDATE work_unit SET status = 3, reached = 1000, complete_to = 77, position = 'x'");
  EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  ASSERT_FALSE(begin().empty());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM work_unit WHERE reached = 0 AND complete_to = 0"),
            QueryInt("SELECT count(*) FROM work_unit"));
}

}  // namespace
}  // namespace coordinator
