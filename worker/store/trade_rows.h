// A batch's trades on their way into the table: sorted by primary key, each key once, through one
// of two lanes.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "common/error.h"
#include "common/postgres.h"
#include "common/postgres_copy.h"
#include "worker/store/trade_store.h"

namespace worker::store {

// What a batch did to a wallet's rows.
struct Change {
  std::int64_t added = 0;
  std::int64_t removed = 0;
  std::int64_t usdc = 0;  // of the rows added less that of those removed
};
using Changes = std::map<std::int32_t, Change>;  // by wallet id

extern const char kCopyTrades[];  // begins the COPY of the fast lane

class TradeRows {
 public:
  // `token_keys` is aligned with the batch's rows. Both must outlive this.
  TradeRows(const Batch& batch, const std::vector<std::int32_t>& token_keys);

  std::size_t size() const { return keys_.size(); }

  // The fast lane: streams all rows into a COPY that was begun with kCopyTrades. Fails with a
  // unique violation if one of the rows exists.
  common::Result<Changes> Copy(common::PgCopyIn copy) const;

  // The replay lane: asks which keys are missing, and inserts those, skipping what another writer
  // inserts meanwhile.
  common::Result<Changes> InsertMissing(common::PgConnection& connection) const;

 private:
  // The primary key, and where the row is in the batch.
  struct Key {
    std::int64_t ts;
    std::uint64_t tx_head;
    std::int64_t event_key;
    std::int32_t wallet;
    std::uint32_t place;
  };

  common::Result<std::vector<Key>> Missing(common::PgConnection& connection) const;

  const Batch& batch_;
  const std::vector<std::int32_t>& token_keys_;
  std::vector<Key> keys_;
};

}  // namespace worker::store
