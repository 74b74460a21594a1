// Rows a second through the worker's store path, fresh wallets, against one bare binary COPY of the
// same rows into the same indexed table.
#include "bench/report.h"
#include "bench/store_workload.h"

int main() {
  constexpr int kRounds = 21;
  bench::StoreWorkload workload({.trades = 600'000, .wallets = 2'400});
  const auto trades = static_cast<double>(workload.trades());
  bench::Rounds rounds;
  for (int round = 0; round < kRounds; ++round) {
    const double bare = trades / workload.BareCopySeconds();
    workload.Empty();
    rounds.Add(trades / workload.StoreSeconds(workload.trades()), bare);
  }
  rounds.Tell("ingest", "rows/s");
}
