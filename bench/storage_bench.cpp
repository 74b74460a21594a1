// Bytes on disk for each trade, everything included (indexes, tokens, wallets, cursors), after a
// backfill of a million trades of many interleaved wallets. The reference is the bar: at most 260.
#include "bench/report.h"
#include "bench/store_workload.h"

int main() {
  constexpr double kBar = 260;
  bench::StoreWorkload workload({.trades = 1'000'000,
                                 .wallets = 4'000,
                                 .tokens = 20'000,
                                 .page_rows = 500,
                                 .in_flight = 32,
                                 .batch_rows = 10'000});
  const auto size = [&] {
    workload.Exec("CHECKPOINT");
    const auto rows = workload.connection().Exec("SELECT pg_database_size(current_database())");
    return static_cast<double>(rows->Int64(0, 0));
  };
  const double before = size();
  workload.StoreSeconds(workload.trades());
  const double bytes = (size() - before) / static_cast<double>(workload.trades());
  bench::Report({.name = "storage",
                 .value = bytes,
                 .unit = "bytes/trade",
                 .reference = kBar,
                 .ratio = bytes / kBar});
  return 0;
}
