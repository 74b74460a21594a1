// The views that users read, and that they are quick by wallet.
#include <gtest/gtest.h>

#include "tests/worker/store/store_fixture.h"

namespace worker::store {
namespace {

class ViewsTest : public StoreFixture {
 protected:
  std::string Plan(const std::string& sql) const {
    const common::PgRows rows = Query("EXPLAIN " + sql);
    std::string plan;
    for (int row = 0; row < rows.size(); ++row) plan += std::string(rows.Text(row, 0)) + "\n";
    return plan;
  }
  void Fill() const {
    Query(
        "INSERT INTO wallet (address, discovered_by) SELECT "
        "substring(sha256(n::text::bytea) FOR 20), 'test' FROM generate_series(1, 5000) n");
    Query(
        "INSERT INTO token (token, token_id) SELECT sha256(n::text::bytea), n::text "
        "FROM generate_series(1, 500) n");
    Query(
        "INSERT INTO trade SELECT 1000000, 500000, NULL, 1700000000 + n, n, n, w, 1 + n % 500, "
        "NULL, '0', '0', '2', '2', sha256('x') FROM generate_series(1, 5000) w, "
        "generate_series(1, 20) n");
    Query(
        "INSERT INTO wallet_sync (wallet_id, status, trades_stored, last_synced_at) "
        "SELECT wallet_id, 2, 20, now() - interval '3 days' FROM wallet");
  }
  static constexpr char kAddress[] = "0x0000000000000000000000000000000000000007";
};

TEST_F(ViewsTest, AQueryByWalletUsesAnIndexInEveryView) {
  Fill();
  for (const bool is_analyzed : {false, true}) {
    if (is_analyzed) Query("ANALYZE");
    for (const char* view :
         {"trades_raw", "wallet_sync_metadata", "wallets_needing_sync", "wallets"}) {
      const std::string plan =
          Plan(fmt::format("SELECT * FROM {} WHERE wallet_address = '{}'", view, kAddress));
      EXPECT_NE(plan.find("wallet_address_text"), std::string::npos) << view << "\n" << plan;
      for (const char* table : {"trade", "wallet", "wallet_sync"}) {
        EXPECT_EQ(plan.find(fmt::format("Seq Scan on {} ", table)), std::string::npos)
            << view << "\n"
            << plan;
      }
    }
  }
  EXPECT_EQ(QueryInt(fmt::format("SELECT count(*) FROM trades_raw WHERE wallet_address = '{}'",
                                 kAddress)),
            20);
}

TEST_F(ViewsTest, WalletsNeedingSyncAreOrderedByWhatIsMostMissed) {
  Query("DELETE FROM wallet WHERE wallet_id > 6");
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, volume, last_synced_at, quarantined) VALUES "
      "(1, 2, 0, now(), false), (2, 2, 0, now() - interval '2 days', false), "
      "(3, 3, 0, NULL, false), (4, 3, 0, NULL, true), "
      "(5, 2, 200000000000, now() - interval '2 days', false)");
  const common::PgRows rows = Query("SELECT wallet_address, reason FROM wallets_needing_sync");
  ASSERT_EQ(rows.size(), 4);
  const auto is = [&](int row, char wallet, const char* reason) {
    return rows.Text(row, 0).back() == wallet && rows.Text(row, 1) == reason;
  };
  EXPECT_TRUE(is(0, '5', "stale"));
  EXPECT_TRUE(is(1, '6', "new"));
  EXPECT_TRUE(is(2, '3', "failed"));
  EXPECT_TRUE(is(3, '2', "stale"));
}

TEST_F(ViewsTest, ProgressCountsWalletsByState) {
  Query(
      "INSERT INTO wallet_sync (wallet_id, status, trades_stored, complete_to, error_count) "
      "VALUES (1, 2, 10, 1000, 0), (2, 2, 5, 900, 1), (3, 3, 0, 0, 2), (4, 1, 1, 0, 0)");
  const common::PgRows rows = Query(
      "SELECT wallets, pending, syncing, completed, failed, trades, "
      "extract(epoch FROM oldest_complete_to)::bigint, errors FROM wallet_sync_progress");
  const std::vector<std::int64_t> expected = {kWallets, kWallets - 4, 1, 2, 1, 16, 900, 3};
  for (int column = 0; column < static_cast<int>(expected.size()); ++column) {
    EXPECT_EQ(rows.Int64(0, column), expected[static_cast<std::size_t>(column)]) << column;
  }
}

TEST_F(ViewsTest, AWalletsTradesAndVolumeAreThoseStored) {
  PostgresTradeStore store(url_);
  ASSERT_TRUE(store.Write(Completed(BatchOf(7, 0, 10), 1'700'000'500)).has_value());
  const common::PgRows rows =
      Query(fmt::format("SELECT total_trades, total_volume_usd, is_whale, win_rate FROM wallets "
                        "WHERE wallet_address = '{}'",
                        kAddress));
  EXPECT_EQ(rows.Int64(0, 0), 10);
  EXPECT_EQ(rows.Text(0, 1), "10.000000");
  EXPECT_FALSE(rows.Bool(0, 2));
  EXPECT_TRUE(rows.IsNull(0, 3));
  const common::PgRows sync = Query(fmt::format(
      "SELECT sync_status, total_trades_synced, total_trades_processed, last_synced_at IS NOT NULL "
      "FROM wallet_sync_metadata WHERE wallet_address = '{}'",
      kAddress));
  EXPECT_EQ(sync.Text(0, 0), "completed");
  EXPECT_EQ(sync.Int64(0, 1), 10);
  EXPECT_EQ(sync.Int64(0, 2), 10);
  EXPECT_TRUE(sync.Bool(0, 3));
}

TEST_F(ViewsTest, APositionCostsWhatWasBoughtInAllSoldOrNot) {
  Query(
      "INSERT INTO token (token, token_id) SELECT sha256(n::text::bytea), n::text "
      "FROM generate_series(1, 3) n");
  Query(
      "INSERT INTO position (wallet_id, token_key, status, size, total_size, avg_price, "
      "entry_cost) "
      "SELECT 7, k.token_key, p.status, p.size, p.total_size, p.avg_price, p.entry_cost "
      "FROM token k JOIN (VALUES "
      "('1', 'CLOSED', 0, 449.7, 0.3748, 0), ('2', 'OPEN', 50, 100, 0.6, 30), "
      "('3', 'OPEN', 1, 1, NULL, NULL)) AS p(id, status, size, total_size, avg_price, entry_cost) "
      "ON p.id = k.token_id");
  const common::PgRows rows = Query(
      "SELECT usdc_amount FROM vw_trades_unified WHERE origin = 'position' ORDER BY token_id");
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows.Text(0, 0), "168.547560");
  EXPECT_EQ(rows.Text(1, 0), "60.000000");
  EXPECT_TRUE(rows.IsNull(2, 0));
}

TEST_F(ViewsTest, SyncRunsTellWhatWasDone) {
  Query("UPDATE chunk SET state = 'done', wallets = '{3}'");  // the others were done before
  Query(
      "UPDATE run SET wallets_total = 3, stage_totals = '{3}', state = 'finished', "
      "outcome = 'complete', started_at = now() - interval '1 min', finished_at = now(), "
      "trades = 50");
  const common::PgRows rows =
      Query("SELECT wallets_processed, trades_fetched, duration, outcome FROM sync_runs");
  EXPECT_EQ(rows.Int64(0, 0), 3);
  EXPECT_EQ(rows.Int64(0, 1), 50);
  EXPECT_EQ(rows.Text(0, 2), "00:01:00");
  EXPECT_EQ(rows.Text(0, 3), "complete");
}

}  // namespace
}  // namespace worker::store
