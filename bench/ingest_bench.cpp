// Rows a second through the worker's store path, fresh wallets, against one bare binary COPY of the
// same rows into the same indexed table. Rounds alternate; medians are told.
#include <vector>

#include "bench/report.h"
#include "bench/store_workload.h"

int main() {
  constexpr int kRounds = 11;
  bench::StoreWorkload workload({});
  std::vector<double> bare;
  std::vector<double> store;
  std::vector<double> ratios;
  const auto trades = static_cast<double>(workload.trades());
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(trades / workload.BareCopySeconds());
    workload.Empty();
    store.push_back(trades / workload.StoreSeconds(workload.trades()));
    ratios.push_back(store.back() / bare.back());
  }
  bench::Report({.name = "ingest",
                 .value = bench::Median(store),
                 .unit = "rows/s",
                 .reference = bench::Median(bare),
                 .ratio = bench::Median(ratios)});
  return 0;
}
