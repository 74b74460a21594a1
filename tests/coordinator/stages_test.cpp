// The stages of a run, one after the other.
#include <gmock/gmock.h>

#include "tests/coordinator/stages_fixture.h"

namespace coordinator {
namespace {

// Of units of holders: no feed was behind.
constexpr char kToldAll[] = ", reached = extract(epoch FROM now())::bigint + 1";

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

TEST_F(StagesTest, ClosedMarketsAreAskedForTheirEndForAMonth) {
  AddMarket(1, "5");
  Query("UPDATE market SET closed = true, resolution_asked_at = now()");
  const auto are_asked = [&](const std::string& changes) {
    Query("UPDATE market SET " + changes);
    const auto chunks = FinishStage(Begin("markets"));
    for (const ChunkRow& chunk : chunks) FinishAll(chunk);
    if (!chunks.empty()) Ask<RunClosed>(CloseRunRequest{run_, {}, 2});
    return !chunks.empty();
  };
  EXPECT_FALSE(are_asked("closed_time = NULL")) << "nobody knows since when: asked today";
  EXPECT_TRUE(are_asked("resolution_asked_at = now() - interval '25 hours'"));
  EXPECT_FALSE(are_asked("closed_time = now() - interval '31 days'"));
  EXPECT_TRUE(are_asked("closed_time = now() - interval '29 days'"));
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
  FinishStage(GoOnTo("holders", Begin("discover")), kToldAll);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM market WHERE volume_fed = volume"), 2);
  const auto fresh = Begin("discover");
  // Which ones moved is for Gamma to say: of what was closed at the last walk it has no news.
  ASSERT_EQ(fresh.size(), 3U);
  EXPECT_EQ(UnitsOf(fresh[0]).at(0).task, "markets open");
  EXPECT_THAT(UnitsOf(fresh[2]).at(0).task, testing::StartsWith("markets closed since="));
  Query("UPDATE market SET volume = 8 WHERE volume = 7");
  const auto chunks = GoOnTo("holders", fresh);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(UnitsOf(chunks[0]).size(), 1U);
}

TEST_F(StagesTest, AWalkThatComesToNothingForgetsNoEarlierOne) {
  for (int i = 0; i < 2; ++i) {  // of all, and of what is new
    for (const ChunkRow& chunk : Begin("discover")) FinishAll(chunk);
    Query("UPDATE run SET state = 'finished', started_at = to_timestamp(" +
          std::to_string(1'000'000 + 5000 * i) + ") WHERE state <> 'finished'");
  }
  Query("UPDATE work_unit SET status = 3 WHERE task = 'markets closed'");
  for (int i = 0; i < 2; ++i) {
    const auto chunks = Begin("discover");
    ASSERT_EQ(chunks.size(), 3U);
    EXPECT_THAT(UnitsOf(chunks[2]).at(0).task, testing::StartsWith("markets closed since="));
    Query("UPDATE run SET state = 'cancelled' WHERE state <> 'finished'");
  }
}

TEST_F(StagesTest, AMarketWhoseFeedWasBehindItsVolumeIsAskedAgain) {
  AddMarket(1, "5");
  AddMarket(2, "7");
  Query("UPDATE market SET updated_at = to_timestamp(1000)");
  const auto finish = [&](const std::string& more) {
    const auto chunks = GoOnTo("holders", Begin("refresh"));
    std::size_t units = 0;
    for (const ChunkRow& chunk : chunks) units += UnitsOf(chunk).size();
    FinishStage(chunks, more);
    return units;
  };
  // As far as nobody knows, and as far as one of them goes.
  EXPECT_EQ(finish(""), 2U);
  EXPECT_EQ(QueryInt("SELECT count(volume_fed) FROM market"), 0);
  EXPECT_EQ(finish(", reached = CASE WHEN planned_volume = 5 THEN 1000 ELSE 999 END"), 2U);
  EXPECT_EQ(QueryInt("SELECT volume_fed::int FROM market WHERE volume = 5"), 5);
  EXPECT_EQ(QueryInt("SELECT count(volume_fed) FROM market"), 1);
  // That the market changed otherwise says nothing of its volume.
  Query("UPDATE market SET updated_at = to_timestamp(2000)");
  EXPECT_EQ(finish(", reached = 1500"), 1U);
  EXPECT_EQ(QueryInt("SELECT volume_fed::int FROM market WHERE volume = 7"), 7);
  Query("UPDATE market SET volume = 9, updated_at = to_timestamp(3000) WHERE volume = 7");
  EXPECT_EQ(finish(", reached = 2999"), 1U);
  EXPECT_EQ(finish(", reached = 3000"), 1U);
  EXPECT_EQ(finish(", reached = 3000"), 0U);
}

TEST_F(StagesTest, AFeedThatIsFarBehindLeavesARefreshIncomplete) {
  AddMarket(1, "5");
  AddMarket(2, "7");
  const auto outcome = [&](const std::string& action, const std::string& more) {
    auto chunks = GoOnTo("holders", Begin(action));
    chunks = FinishStage(chunks, more);
    EXPECT_TRUE(chunks.empty());
    return Run().outcome;
  };
  // How old everything is that was told is no concern of a discovery.
  EXPECT_EQ(outcome("discover", ""), "complete");
  EXPECT_EQ(outcome("refresh",
                    ", reached = CASE WHEN planned_volume = 5 THEN 1000 ELSE "
                    "extract(epoch FROM now()) - 3600 END"),
            "incomplete");
  const auto failed = AdminLedger(url_).FailedOf(run_, 10).value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_THAT(failed[0].wallet, testing::HasSubstr("holders: "));
  EXPECT_THAT(failed[0].reason, testing::HasSubstr("the Data API is behind"));
  EXPECT_EQ(outcome("refresh", ", reached = extract(epoch FROM now()) - 3600"), "complete");
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

TEST_F(StagesTest, AWholeDiscoveryReadsMarketsThatHaveNotMoved) {
  AddMarket(1, "500");
  AddMarket(2, "900");
  Query("UPDATE market SET volume_fed = volume");
  EXPECT_TRUE(GoOnTo("holders", Begin("discover")).empty());
  Query(
      "INSERT INTO work_unit (kind, task, complete_to) "
      "SELECT 'holders', hex0x(condition_id), 77 FROM market LIMIT 1");
  RunWish wish;
  wish.action = "discover";
  wish.all = true;
  run_ = AdminLedger(url_).CreateRun(wish).value().run;
  std::size_t units = 0;
  for (const ChunkRow& chunk : GoOnTo("holders", Ask<Planned>(PlanRequest{run_, 2}).chunks)) {
    for (const WalletRow& unit : UnitsOf(chunk)) {
      EXPECT_EQ(unit.complete_to, 0);
      ++units;
    }
  }
  EXPECT_EQ(units, 2U);
}

TEST_F(StagesTest, APositionGoesOnWithinARunAlone) {
  auto chunks = Begin("markets");
  Query("UPDATE work_unit SET position = '\\x07'");
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).position, "\x07");
  EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  chunks = Begin("markets");
  EXPECT_EQ(UnitsOf(chunks[0]).at(0).position, "");
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

TEST_F(StagesTest, ARefreshSaysThatAWalletWhichIsDueIsQuarantined) {
  for (int i = 1; i <= 3; ++i) {
    Query("INSERT INTO wallet (address, discovered_by) VALUES (decode(lpad('" + std::to_string(i) +
          "', 40, '0'), 'hex'), 'holders')");
  }
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, quarantined, last_error, volume, complete_to) "
      "VALUES (1, 3, true, 'died of it', 200000000000, 0), (2, 2, false, NULL, 0, 50)");
  Query("INSERT INTO wallet_due (wallet_id, seen_ts) VALUES (1, 60), (2, 70), (3, 80)");
  RunWish wish;
  wish.action = "refresh";
  wish.max_wallets = 1;
  run_ = AdminLedger(url_).CreateRun(wish).value().run;
  const auto stage = GoOnTo("trades", Ask<Planned>(PlanRequest{run_, 2}).chunks);
  ASSERT_EQ(stage.size(), 1U);
  const auto wallets = UnitsOf(stage[0]);
  ASSERT_EQ(wallets.size(), 1U);
  EXPECT_EQ(wallets[0].id.value, 3);
  const auto epoch = Grant(stage[0]);
  Query("INSERT INTO wallet_sync (wallet_id, status, complete_to, done_run) VALUES (3, 2, 80, " +
        std::to_string(run_.value) + ")");
  Ask<FinishedAnswer>(FinishRequest{run_, stage[0].id, epoch, {}, {}});
  EXPECT_EQ(Ask<RunClosed>(CloseRunRequest{run_, {}}).run.outcome, "incomplete");
  const auto failed = AdminLedger(url_).FailedOf(run_, 10).value();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].reason, "died of it");
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

TEST_F(StagesTest, WhatWasOnlyNamedIsDueUntilItIsRefusedForTheThirdTime) {
  Query(
      "INSERT INTO wallet (address, discovered_by) VALUES (decode(repeat('01', 20), 'hex'), 'x'), "
      "(decode(repeat('02', 20), 'hex'), 'x')");
  Query("INSERT INTO wallet_due (wallet_id, seen_ts) VALUES (1, 0), (2, 60)");
  Query("INSERT INTO wallet_sync (wallet_id, status) VALUES (1, 3), (2, 3)");
  for (int refusals = 1; refusals <= 3; ++refusals) {
    Query("UPDATE wallet_sync SET error_count = error_count + 1");
    for (const ChunkRow& chunk : GoOnTo("trades", Begin("refresh"))) {
      const WalletFailure refused{UnitsOf(chunk).at(0).id, true, "no"};
      const FinishRequest finish{run_, chunk.id, Grant(chunk), {refused}, {}};
      EXPECT_EQ(Ask<FinishedAnswer>(finish).failed_now, 1);
    }
    Ask<RunClosed>(CloseRunRequest{run_, {}});
    EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due"), refusals < 3 ? 2 : 1);
  }
  EXPECT_EQ(QueryInt("SELECT wallet_id FROM wallet_due"), 2);
}

}  // namespace
}  // namespace coordinator
