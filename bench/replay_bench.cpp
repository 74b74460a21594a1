// Rows a second through the worker's store path when every row exists already, against one bare
// binary COPY of the same rows into an empty table with the same index.
#include "bench/report.h"
#include "bench/store_workload.h"

int main() {
  constexpr int kRounds = 7;
  bench::StoreWorkload workload({});
  const auto trades = static_cast<double>(workload.trades());
  workload.StoreSeconds(workload.trades());
  bench::Rounds rounds;
  for (int round = 0; round < kRounds; ++round) {
    const double bare = trades / workload.BareCopySeconds();
    rounds.Add(trades / workload.StoreSeconds(0), bare);
  }
  rounds.Tell("replay", "rows/s");
}
