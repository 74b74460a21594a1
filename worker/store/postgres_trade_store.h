// The TradeStore in PostgreSQL, over one connection that is opened when it is needed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "common/random.h"
#include "worker/store/lane_choice.h"
#include "worker/store/token_dictionary.h"
#include "worker/store/trade_store.h"
#include "worker/store/wallet_dictionary.h"

namespace worker::store {

// Transactions that the database ended in favour of another are tried again here, a few times. All
// other failures are the caller's to repeat; a lost connection is replaced at the next call, and a
// commit in doubt is offered again.
class PostgresTradeStore final : public TradeStore {
 public:
  explicit PostgresTradeStore(std::string url, std::uint64_t seed = common::EntropySeed());

  common::Result<Receipt> Write(const Batch& batch) override;
  common::Result<Receipt> WriteUnits(const UnitBatch& batch) override;
  common::Status WriteMarkets(const std::vector<MarketInfo>& markets) override;
  common::Result<std::vector<common::TokenId>> Unresolved(
      const std::vector<common::TokenId>& tokens) override;
  common::Status NoteUnknown(const std::vector<common::TokenId>& tokens) override;
  common::Result<std::vector<common::TokenId>> TakeDueTokens(int limit) override;

  // How often batches went which way, for metrics and tests.
  // A statement that statement_timeout ends so often in a row will not come through: the batch is
  // refused, so that the wallet at fault is found.
  static constexpr int kMostTimeouts = 5;

  struct Counts {
    std::uint64_t fast = 0;
    std::uint64_t replayed = 0;
    std::uint64_t conflicts = 0;  // fast attempts that had to be repeated as replays
    std::uint64_t victims = 0;    // deadlocks and serialization failures
    std::uint64_t connects = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  common::Status Connect();
  // A connection that was lost may live on at the server, which has not been told, with the batch
  // half written and its rows locked: what is offered again would wait for it.
  template <typename AnyBatch>
  common::Status EndEarlierSelf(const AnyBatch& batch);
  template <typename T>
  common::Result<T> Repeat(const std::function<common::Result<T>()>& attempt);
  common::Result<Receipt> WriteInLane(const Batch& batch);
  common::Result<Receipt> WriteOnce(const Batch& batch);
  common::Result<Receipt> WriteUnitsOnce(const UnitBatch& batch);
  void NoteLane(bool was_fast, std::size_t rows, std::uint64_t stored);

  std::string url_;
  int timeouts_ = 0;  // in a row
  common::Random random_;
  std::optional<common::PgConnection> connection_;
  TokenDictionary tokens_;
  WalletDictionary wallets_;
  LaneChoice lane_;
  Counts counts_;
  bool is_reconnected_ = false;  // and nothing was written since
};

}  // namespace worker::store
