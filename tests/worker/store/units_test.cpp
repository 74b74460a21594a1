// Batches of units on a real database: the fence, replays, and the wallets they find.
#include "tests/worker/store/units_fixture.h"

namespace worker::store {
namespace {

class UnitsTest : public UnitsFixture {};

TEST_F(UnitsTest, RowsAndPositionMoveTogether) {
  const Receipt receipt = Written(RangeOf(3, 0, 10));
  EXPECT_FALSE(receipt.fenced);
  EXPECT_EQ(receipt.stored, 10U);
  EXPECT_EQ(TradesOf(3), 10);
  EXPECT_EQ(Sync(3, "trades_stored"), 10);
  EXPECT_EQ(OwnedFrom(3), 1);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 1"),
            "at 10");
  EXPECT_EQ(QueryInt("SELECT rows FROM work_unit WHERE unit_id = 1"), 7);
}

TEST_F(UnitsTest, LostLeaseWritesNothing) {
  Lease(kChunk, common::Epoch{11});
  EXPECT_TRUE(Written(RangeOf(3, 0, 10)).fenced);
  EXPECT_EQ(Trades(), 0);
  EXPECT_EQ(QueryInt("SELECT status FROM work_unit WHERE unit_id = 1"), 0);
}

TEST_F(UnitsTest, OfferingABatchAgainChangesNothing) {
  const UnitBatch batch = RangeOf(3, 0, 10);
  Written(batch);
  EXPECT_EQ(Written(batch).stored, 0U);
  EXPECT_EQ(TradesOf(3), 10);
  EXPECT_EQ(Sync(3, "trades_stored"), 10);
  EXPECT_EQ(QueryInt("SELECT rows FROM work_unit WHERE unit_id = 1"), 7);
}

TEST_F(UnitsTest, RowsThatExistAreSkippedAndTheRestStored) {
  Written(RangeOf(3, 0, 10));
  EXPECT_EQ(Written(RangeOf(3, 5, 15)).stored, 5U);
  EXPECT_EQ(QueryInt("SELECT sum(wallets)::bigint FROM run_told"), 1);
  EXPECT_EQ(Sync(3, "trades_stored"), 15);
  EXPECT_EQ(Sync(3, "last_trade_ts"), kBase + 14);
}

TEST_F(UnitsTest, NewWalletsAreBornWithTheirFinder) {
  UnitBatch batch = Begin("range");
  Fill(batch, 200, 1);
  Fill(batch, 200, 2);
  Progress(batch, 1, "x");
  EXPECT_EQ(Written(batch).stored, 2U);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet WHERE discovered_by = 'range'"), 1);
}

TEST_F(UnitsTest, WalletsThatAreKnownUseUpNoNumbers) {
  for (int i = 0; i < 5; ++i) {
    UnitBatch batch = Begin("holders");
    batch.rows.wallets = {{AddressOf(3), FoundBy::kHolders, 0},
                          {AddressOf(4), FoundBy::kTrades, 9}};
    Progress(batch, 1, std::to_string(i));
    Written(batch);
  }
  UnitBatch batch = Begin("holders");
  batch.rows.wallets = {{AddressOf(201), FoundBy::kHolders, 0}};
  Progress(batch, 1, "x");
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT max(wallet_id) FROM wallet"), kWallets + 1);
}

TEST_F(UnitsTest, FoundWalletsAreDueUntilTheirSyncHasProvenIt) {
  Query(fmt::format("INSERT INTO wallet_sync (wallet_id, complete_to) VALUES (3, {}), (4, {})",
                    kBase + 10, kBase + 10));
  UnitBatch batch = Begin("holders");
  batch.rows.wallets = {{AddressOf(3), FoundBy::kTrades, kBase + 5},
                        {AddressOf(4), FoundBy::kTrades, kBase + 20},
                        {AddressOf(4), FoundBy::kHolders, 0},
                        {AddressOf(5), FoundBy::kHolders, 0}};
  Progress(batch, 1, "x");
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due WHERE wallet_id = 3"), 0);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 4"), kBase + 20);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 5"), 0);
}

TEST_F(UnitsTest, WhoseEventsARangeCannotTellIsLeftToTheirOwnSync) {
  Query(fmt::format("INSERT INTO wallet_sync (wallet_id, complete_to) VALUES (3, {})", kBase + 30));
  Query(fmt::format("INSERT INTO wallet_due (wallet_id, seen_ts) VALUES (4, {})", kBase + 25));
  UnitBatch batch = Begin("range");
  batch.rows.wallets = {{AddressOf(3), FoundBy::kRange, kBase + 20, true},
                        {AddressOf(4), FoundBy::kRange, kBase + 20, true},
                        {AddressOf(201), FoundBy::kRange, kBase + 20, true}};
  Progress(batch, 1, "x");
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_due WHERE skipped"), 3);
  EXPECT_EQ(QueryInt("SELECT seen_ts FROM wallet_due WHERE wallet_id = 4"), kBase + 25);
}

TEST_F(UnitsTest, FailureIsCountedOnceAndKeepsThePosition) {
  Written(RangeOf(3, 0, 10));
  UnitBatch failed = Begin("range");
  Progress(failed, 1, "");
  failed.units.front().position.reset();
  failed.units.front().state = WalletState::kFailed;
  failed.units.front().error = "no answer";
  Written(failed);
  Written(failed);
  EXPECT_EQ(QueryInt("SELECT error_count FROM work_unit WHERE unit_id = 1"), 1);
  EXPECT_EQ(QueryText("SELECT convert_from(position, 'utf8') FROM work_unit WHERE unit_id = 1"),
            "at 10");
}

TEST_F(UnitsTest, CompletedUnitSaysWhatItReached) {
  UnitBatch batch = RangeOf(3, 0, 10);
  UnitProgress& unit = batch.units.front();
  unit.state = WalletState::kCompleted;
  unit.position = "";
  unit.complete_to = kBase + 50;
  unit.begins_at = kBase;
  unit.reached = 77;
  Written(batch);
  EXPECT_EQ(QueryInt("SELECT done_run FROM work_unit WHERE unit_id = 1"), kRun.value);
  EXPECT_EQ(QueryInt("SELECT complete_to FROM work_unit WHERE unit_id = 1"), kBase + 50);
  EXPECT_EQ(QueryInt("SELECT reached FROM work_unit WHERE unit_id = 1"), 77);
  EXPECT_EQ(QueryInt("SELECT begins_at FROM work_unit WHERE unit_id = 1"), kBase);
}

TEST_F(UnitsTest, AFeedThatWasBehindItsMarketsVolumeDoesNotCount) {
  Query(
      "INSERT INTO market (condition_id, volume) SELECT decode(lpad(n::text, 64, '0'), 'hex'), 7 "
      "FROM generate_series(1, 3) n");
  Query(
      "UPDATE work_unit SET kind = 'holders', task = '0x' || lpad(unit_id::text, 64, '0'), "
      "planned_volume = 7, volume_at = to_timestamp(CASE unit_id WHEN 1 THEN 2000 ELSE 2001 END)");
  UnitBatch batch = Begin("holders");
  for (int unit = 1; unit <= 3; ++unit) {
    UnitProgress& progress = Progress(batch, unit, "");
    progress.state = WalletState::kCompleted;
    progress.reached = unit == 3 ? 0 : 2000;  // 0: nobody knows
  }
  Written(batch);
  EXPECT_EQ(QueryText("SELECT hex0x(condition_id) FROM market WHERE volume_fed = 7"),
            "0x" + std::string(63, '0') + "1");
  EXPECT_EQ(QueryInt("SELECT count(volume_fed) FROM market"), 1);
}

}  // namespace
}  // namespace worker::store
