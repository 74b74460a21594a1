// What a backfill offers the store: many wallets of Pareto activity in flight at once, each told in
// pages from its newest trade to its oldest, and a database to take it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/postgres.h"
#include "tests/support/postgres.h"
#include "worker/jobs/trades.h"
#include "worker/store/trade_store.h"

namespace bench {

struct WorkloadOptions {
  std::size_t trades = 300'000;
  std::size_t wallets = 1'200;
  std::size_t tokens = 1'000;
  std::size_t page_rows = 500;
  std::size_t in_flight = 32;  // wallets
  std::size_t batch_rows = worker::jobs::TradesLimits{}.batch_rows;
};

class StoreWorkload {
 public:
  // Makes the batches and a durable PostgreSQL with the settings that `seine` gives its own. Ends
  // the program where there is none.
  explicit StoreWorkload(const WorkloadOptions& options);

  const std::vector<worker::store::Batch>& batches() const { return batches_; }
  std::size_t trades() const { return trades_; }
  const std::string& url() const { return url_; }
  common::PgConnection& connection() { return *connection_; }

  // Empties every table that a backfill fills.
  void Empty();
  void Exec(const std::string& sql);

  // Seconds for one bare binary COPY of the same rows, in the same order, encoded beforehand, into
  // an empty table like `trade` with its primary key.
  double BareCopySeconds();
  // Seconds to write all batches through a fresh store. CHECKs that `expected` rows were new.
  double StoreSeconds(std::size_t expected);

 private:
  void EncodeRows();

  std::unique_ptr<tests::PostgresServer> server_;
  std::string url_;
  std::unique_ptr<common::PgConnection> connection_;
  std::vector<worker::store::Batch> batches_;
  std::size_t trades_ = 0;
  std::vector<std::string> encoded_;  // pieces of a COPY stream
};

}  // namespace bench
