// How what ranges have told joins what is covered, and what a run takes from that.
#include <string>

#include <gmock/gmock.h>

#include "tests/coordinator/stages_fixture.h"

namespace coordinator {
namespace {

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

// Spans that are told to their ends, but for those of one chunk.
class BrokenRangeTest : public StagesTest {
 protected:
  void TellAllBut(std::size_t failed) {
    const auto chunks = Begin("range", "subgraph");
    ASSERT_GT(chunks.size(), failed + 1);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      if (i != failed) FinishAll(chunks[i], kToldSpan);
    }
    Query("UPDATE work_unit SET status = 3 WHERE status = 0");
    EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
    EXPECT_LT(QueryInt("SELECT to_ts FROM coverage"), common::kV1Cutover);
  }
  void Retry() {
    const auto retry = AdminLedger(url_).Retry({});
    ASSERT_TRUE(retry.has_value()) << retry.error().message;
    run_ = retry->run;
    const auto chunks = Ask<Planned>(PlanRequest{run_, 2}).chunks;
    ASSERT_FALSE(chunks.empty());
    ASSERT_LT(chunks.size(), 20U);
    for (const ChunkRow& chunk : chunks) FinishAll(chunk, kToldSpan);
  }

  static constexpr char kToldSpan[] =
      ", last_synced_at = now(), reached = split_part(task, '-', 2)::bigint, "
      "complete_to = split_part(task, '-', 2)::bigint, "
      "begins_at = split_part(split_part(task, ' ', 2), '-', 1)::bigint";
};

TEST_F(BrokenRangeTest, WhatFailedAloneIsToldAgain) {
  TellAllBut(3);
  Retry();
  EXPECT_EQ(QueryInt("SELECT to_ts FROM coverage"), common::kV1Cutover);
  EXPECT_TRUE(Begin("range", "subgraph").empty());
}

TEST_F(BrokenRangeTest, WhatWasToldAheadIsFoundAsTheNextRangeBegins) {
  TellAllBut(3);
  Query(std::string("UPDATE work_unit SET status = 2, done_run = 1000") + kToldSpan +
        " WHERE status = 3");
  EXPECT_TRUE(Begin("range", "subgraph").empty());
  EXPECT_EQ(QueryInt("SELECT to_ts FROM coverage"), common::kV1Cutover);
}

TEST_F(BrokenRangeTest, WhatWalletsWereSyncedBehindIsToldAgain) {
  TellAllBut(3);
  Query(
      "INSERT INTO run (kind, state, stages, started_at, finished_at) VALUES "
      "('trades', 'finished', '{trades}', now(), now())");
  Retry();
  EXPECT_LT(QueryInt("SELECT to_ts FROM coverage"), common::kV1Cutover);
  EXPECT_GT(Begin("range", "subgraph").size(), 10U);
}

TEST_F(StagesTest, ARangeThatToldNothingLeavesRefreshesToTheFeeds) {
  const auto stages = [&] {
    Begin("refresh");
    EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
    return std::string(
        Query("SELECT array_to_string(stages, ',') FROM run ORDER BY run_id DESC LIMIT 1")
            .Text(0, 0));
  };
  for (const char* source : {"rpc", "subgraph"}) {
    Begin("range", source);
    EXPECT_TRUE(AdminLedger(url_).Cancel(run_).has_value());
  }
  EXPECT_EQ(QueryInt("SELECT count(*) FROM coverage"), 2);
  EXPECT_EQ(stages(), "markets,resolutions,holders,trades");
  Query("UPDATE coverage SET from_ts = 1, to_ts = 500 WHERE source = 1");
  EXPECT_EQ(stages(), "markets,resolutions,range,holders,trades");
}

TEST_F(StagesTest, WhatRangesGoOnFromIsWhatTheyHaveTold) {
  Query("INSERT INTO coverage VALUES (1, 1, 1700000000, 0), (3, 1, 0, 33605402)");
  const auto chunks = GoOnTo("range", Begin("refresh"));
  ASSERT_FALSE(chunks.empty());
  EXPECT_THAT(UnitsOf(chunks[0]).at(0).task, testing::StartsWith("subgraph 1700000001-"));
}

TEST_F(StagesTest, ARangeOfWhichNothingCameLeavesNoBeginning) {
  Query("INSERT INTO coverage VALUES (3, 1, 0, 79999999)");
  RunWish wish;
  wish.action = "range";
  wish.source = "rpc";
  run_ = AdminLedger(url_).CreateRun(wish).value().run;
  const auto chunks = Ask<Planned>(PlanRequest{run_, 1}).chunks;
  ASSERT_FALSE(chunks.empty());
  EXPECT_THAT(UnitsOf(chunks[0]).at(0).task, testing::StartsWith("rpc 33605403-"));
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
