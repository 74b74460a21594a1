// A store with a few units, and batches of what they were told.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/worker/store/store_fixture.h"
#include "worker/store/unit_batch.h"

namespace worker::store {

using common::Source;
using common::UnixSeconds;

inline constexpr UnixSeconds kBase = 1'700'000'000;

class UnitsFixture : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    if (server_ == nullptr) return;
    Query(
        "INSERT INTO work_unit (kind, task) SELECT 'range', 'rpc ' || n FROM "
        "generate_series(1, 3) n");
  }

  // Of the wallets that the fixture has made: 1 to kWallets; others are new.
  static common::WalletAddress AddressOf(int wallet) {
    common::WalletAddress address;
    address.bytes[19] = static_cast<std::uint8_t>(wallet);
    return address;
  }
  static common::ConditionId ConditionOf(int n) {
    common::ConditionId condition;
    condition.bytes[31] = static_cast<std::uint8_t>(n);
    return condition;
  }

  static UnitBatch Begin(const std::string& kind) {
    UnitBatch batch;
    batch.run = kRun;
    batch.chunk = kChunk;
    batch.epoch = kEpoch;
    batch.kind = kind;
    return batch;
  }
  static UnitProgress& Progress(UnitBatch& batch, int unit, const std::string& position) {
    UnitProgress progress;
    progress.unit = common::WalletId{unit};
    progress.position = position;
    progress.rows = 7;
    batch.units.push_back(std::move(progress));
    return batch.units.back();
  }
  // The n-th fill of a wallet, at kBase + n.
  static void Fill(UnitBatch& batch, int wallet, int n, UnixSeconds range_from = kBase,
                   Source source = Source::kRpc) {
    common::Trade trade = Row(wallet, n).trade;
    trade.source = source;
    batch.rows.trades.push_back({AddressOf(wallet), range_from, trade});
  }
  UnitBatch RangeOf(int wallet, int from, int to, UnixSeconds range_from = kBase) {
    UnitBatch batch = Begin("range");
    for (int n = from; n < to; ++n) Fill(batch, wallet, n, range_from);
    Progress(batch, 1, "at " + std::to_string(to));
    return batch;
  }

  Receipt Written(const UnitBatch& batch) {
    // As the store loop does: a machine that stands still for long loses its session.
    auto receipt = store().WriteUnits(batch);
    for (int again = 0; again < 3 && !receipt; ++again) {
      if (receipt.error().kind == common::ErrorKind::kTransient)
        receipt = store().WriteUnits(batch);
    }
    EXPECT_TRUE(receipt.has_value()) << (receipt ? "" : receipt.error().message);
    return receipt ? *receipt : Receipt{};
  }
  PostgresTradeStore& store() {
    if (!store_) store_.emplace(url_, 1);
    return *store_;
  }
  void Cursor(int wallet, Source source, UnixSeconds from, UnixSeconds to,
              const std::string& position = "") {
    Query(fmt::format("INSERT INTO wallet_cursor VALUES ({}, {}, {}, {}, '{}', 5)", wallet,
                      static_cast<int>(source), from, to, position));
  }
  std::int64_t TradesOf(int wallet, const std::string& condition = "true") const {
    return QueryInt(
        fmt::format("SELECT count(*) FROM trade WHERE wallet_id = {} AND {}", wallet, condition));
  }
  std::string QueryText(const std::string& sql) const { return std::string(Query(sql).Text(0, 0)); }
  std::int64_t OwnedFrom(int wallet, Source source = Source::kRpc) const {
    return QueryInt(
        fmt::format("SELECT owned_from FROM wallet_cursor WHERE wallet_id = {} AND source = {}",
                    wallet, static_cast<int>(source)));
  }

 private:
  std::optional<PostgresTradeStore> store_;
};

}  // namespace worker::store
