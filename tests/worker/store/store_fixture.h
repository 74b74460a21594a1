// A database with wallets and a leased chunk, and words for batches.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/support/postgres_test.h"
#include "worker/store/postgres_trade_store.h"

namespace worker::store {

class StoreFixture : public tests::PostgresTest {
 protected:
  static constexpr int kWallets = 40;
  static constexpr common::RunId kRun{1};
  static constexpr common::ChunkId kChunk{1};
  static constexpr common::Epoch kEpoch{10};

  void SetUp() override {
    PostgresTest::SetUp();
    if (server_ == nullptr) return;
    Query(
        fmt::format("INSERT INTO wallet (address, discovered_by) "
                    "SELECT decode(lpad(to_hex(n), 40, '0'), 'hex'), 'test' "
                    "FROM generate_series(1, {}) n",
                    kWallets));
    Query("INSERT INTO run (kind) VALUES ('trades')");
    Lease(kChunk, kEpoch);
  }

  // Makes the chunk if it is not there, and leases it under this epoch.
  void Lease(common::ChunkId chunk, common::Epoch epoch) {
    Query(
        fmt::format("INSERT INTO chunk (chunk_id, run_id, kind, state, epoch, weight, wallets) "
                    "VALUES ({}, 1, 'trades', 'leased', {}, 1, '{{}}') ON CONFLICT (chunk_id) "
                    "DO UPDATE SET epoch = EXCLUDED.epoch",
                    chunk.value, epoch.value));
  }

  // The n-th trade of a wallet; later ones are newer, with n % 5 different tokens.
  static TradeRow Row(int wallet, int n) {
    TradeRow row;
    row.wallet = common::WalletId{wallet};
    common::Trade& trade = row.trade;
    trade.ts = 1'700'000'000 + n;
    trade.tx.bytes[0] = static_cast<std::uint8_t>(200 + n % 50);
    trade.tx.bytes[31] = static_cast<std::uint8_t>(wallet);
    trade.event_key = -n;
    trade.token.bytes[31] = static_cast<std::uint8_t>(1 + n % 5);
    trade.size = 2'000'000 + n;
    trade.usdc = 1'000'000;
    trade.source = common::Source::kDataApi;
    return row;
  }

  // Trades [from, to) of a wallet, newest first, with a cursor that moves along.
  static Batch BatchOf(int wallet, int from, int to) {
    Batch batch = EmptyBatch();
    Add(batch, wallet, from, to);
    return batch;
  }
  static Batch EmptyBatch() {
    return {.run = kRun, .chunk = kChunk, .epoch = kEpoch, .rows = {}, .hints = {}, .wallets = {}};
  }
  static void Add(Batch& batch, int wallet, int from, int to) {
    for (int n = to - 1; n >= from; --n) batch.rows.push_back(Row(wallet, n));
    WalletProgress progress;
    progress.wallet = common::WalletId{wallet};
    progress.cursor = common::Cursor{common::Source::kDataApi, 1, 0, fmt::format("at {}", from)};
    progress.processed = static_cast<std::uint64_t>(to - from);
    progress.last_trade_ts = Row(wallet, to - 1).trade.ts;
    progress.duration_ms = 5;
    batch.wallets.push_back(std::move(progress));
  }
  static Batch Completed(Batch batch, common::UnixSeconds complete_to) {
    for (WalletProgress& progress : batch.wallets) {
      progress.state = WalletState::kCompleted;
      progress.cursor->complete_to = complete_to;
      progress.cursor->position.clear();
    }
    return batch;
  }

  // A walk from `since` on that told nothing.
  static Batch Nothing(int wallet, common::UnixSeconds since, common::UnixSeconds complete_to) {
    Batch batch = EmptyBatch();
    WalletProgress& progress = batch.wallets.emplace_back();
    progress.wallet = common::WalletId{wallet};
    progress.cursor = common::Cursor{common::Source::kDataApi, since, complete_to, {}};
    progress.state = WalletState::kCompleted;
    progress.nothing_since = since;
    return batch;
  }

  std::int64_t Trades() const { return QueryInt("SELECT count(*) FROM trade"); }
  std::int64_t Sync(int wallet, const std::string& column) const {
    return QueryInt(fmt::format("SELECT {} FROM wallet_sync WHERE wallet_id = {}", column, wallet));
  }
};

}  // namespace worker::store
