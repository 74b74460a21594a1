// Peak resident memory of a worker that syncs one wallet of 1,000,000 fills; the reference is the
// promised 150 MB.
#include <fstream>

#include "bench/report.h"
#include "tests/e2e/fleet.h"

namespace {

constexpr double kPromisedMegabytes = 150.0;

double PeakMegabytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024.0;
  }
  return 0;
}

}  // namespace

int main() {
  e2e::Fleet fleet(*tests::PostgresServer::Shared(), e2e::Timings::kProduction);
  fleet.StartSimulator(
      {.wallets = 5, .fills = 1100000, .seed = "2", .more = {"--whale-fills", "1000000"}});
  fleet.StartCoordinator();
  fleet.StartWorker("worker-1");
  const int run = fleet.StartRun();
  fleet.AwaitFinished(run);
  const double peak = PeakMegabytes(fleet.worker("worker-1").pid());
  bench::Report({"memory", peak, "MB", kPromisedMegabytes, peak / kPromisedMegabytes});
  fleet.ExpectOracle();
}
