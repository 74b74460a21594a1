// A TradeStore in memory, with a database that can be taken away. Shared between the store loop's
// thread and the test's.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "worker/store/trade_store.h"
#include "worker/store/unit_batch.h"

namespace worker {

class MemoryTradeStore final : public store::TradeStore {
 public:
  common::Result<store::Receipt> Write(const store::Batch& batch) override {
    const std::lock_guard lock(mutex_);
    ++writes_;
    if (!away_.empty()) return common::Error{common::ErrorKind::kTransient, away_};
    if (batch.chunk == refused_) return common::Error{common::ErrorKind::kRejected, "overflow"};
    if (batch.epoch < fence_) return store::Receipt{true, 0};
    store::Receipt receipt;
    for (const auto& progress : batch.wallets) {
      const auto first = rows_.lower_bound({progress.wallet.value, 0, 0});
      const bool has_rows = first != rows_.end() && std::get<0>(*first) == progress.wallet.value;
      if (progress.nothing_since && has_rows) receipt.contradicted.push_back(progress.wallet);
    }
    for (const auto& row : batch.rows) {
      const std::tuple key(row.wallet.value, row.trade.ts, row.trade.event_key);
      if (rows_.insert(key).second) ++receipt.stored;
    }
    for (const auto& progress : batch.wallets) states_[progress.wallet.value] = progress.state;
    return receipt;
  }
  common::Result<store::Receipt> WriteUnits(const store::UnitBatch& batch) override {
    const std::lock_guard lock(mutex_);
    ++writes_;
    if (!away_.empty()) return common::Error{common::ErrorKind::kTransient, away_};
    if (batch.chunk == refused_) return common::Error{common::ErrorKind::kRejected, "overflow"};
    if (batch.epoch < fence_) return store::Receipt{true, 0};
    for (const auto& unit : batch.units) states_[unit.unit.value] = unit.state;
    return store::Receipt{false, batch.rows.size()};
  }
  common::Status WriteMarkets(const std::vector<store::MarketInfo>& markets) override {
    const std::lock_guard lock(mutex_);
    for (const store::MarketInfo& market : markets) {
      if (market.slug == "refused") return common::Error{common::ErrorKind::kRejected, "no row"};
    }
    markets_ += markets.size();
    return common::Done{};
  }
  common::Result<std::vector<common::TokenId>> Unresolved(
      const std::vector<common::TokenId>&) override {
    return std::vector<common::TokenId>{};
  }
  common::Status NoteUnknown(const std::vector<common::TokenId>&) override {
    return common::Done{};
  }
  common::Result<std::vector<common::TokenId>> TakeDueTokens(int) override {
    return std::vector<common::TokenId>{};
  }

  // Empty: it is back.
  void TakeAway(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    away_ = reason;
  }
  // Older epochs write nothing.
  void FenceBelow(common::Epoch epoch) {
    const std::lock_guard lock(mutex_);
    fence_ = epoch;
  }
  void Refuse(common::ChunkId chunk) {
    const std::lock_guard lock(mutex_);
    refused_ = chunk;
  }
  std::size_t rows() const {
    const std::lock_guard lock(mutex_);
    return rows_.size();
  }
  std::size_t markets() const {
    const std::lock_guard lock(mutex_);
    return markets_;
  }
  int writes() const {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  std::map<std::int32_t, store::WalletState> states() const {
    const std::lock_guard lock(mutex_);
    return states_;
  }

 private:
  mutable std::mutex mutex_;
  std::string away_;
  common::Epoch fence_;
  common::ChunkId refused_{-1};
  int writes_ = 0;
  std::size_t markets_ = 0;
  std::set<std::tuple<std::int32_t, common::UnixSeconds, std::int64_t>> rows_;
  std::map<std::int32_t, store::WalletState> states_;
};

}  // namespace worker
