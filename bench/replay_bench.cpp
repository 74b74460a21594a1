// Rows a second through the worker's store path when every row exists already, against one bare
// binary COPY of the same rows into an empty table with the same index.
#include <vector>

#include "bench/report.h"
#include "bench/store_workload.h"

int main() {
  constexpr int kRounds = 7;
  bench::StoreWorkload workload({});
  const auto trades = static_cast<double>(workload.trades());
  workload.StoreSeconds(workload.trades());
  std::vector<double> bare;
  std::vector<double> replay;
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(trades / workload.BareCopySeconds());
    replay.push_back(trades / workload.StoreSeconds(0));
    ratios.push_back(replay.back() / bare.back());
  }
  bench::Report({.name = "replay",
                 .value = bench::Median(replay),
                 .unit = "rows/s",
                 .reference = bench::Median(bare),
                 .ratio = bench::Median(ratios)});
  return 0;
}
