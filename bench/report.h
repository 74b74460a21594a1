// How a bench tells its figure: one line on stdout, and <name>.json in $SEINE_BENCH_DIR or
// ./build/bench.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  double reference = 0;  // in the same unit, measured in the same run
  double ratio = 0;      // whichever way the bar is stated
};

// Prints `NAME value unit | reference value | ratio R` and writes the file.
void Report(const Figure& figure);

// A measurement and its reference in turn, several times, so that both meet the same machine.
class Rounds {
 public:
  void Add(double value, double reference);
  // Reports the medians. REQUIRES: there was a round.
  void Tell(const std::string& name, const std::string& unit) const;

 private:
  std::vector<double> values_;
  std::vector<double> references_;
  std::vector<double> ratios_;
};

// REQUIRES: not empty.
double Median(std::vector<double> values);

}  // namespace bench
