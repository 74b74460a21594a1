#include "bench/report.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "common/check.h"

namespace bench {
namespace {

// 4 digits are more than a bench is good for.
std::string Number(double value) {
  return std::abs(value) >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

}  // namespace

void Report(const Figure& figure) {
  std::cout << fmt::format("{} {} {} | reference {} | ratio {:.3f}\n", figure.name,
                           Number(figure.value), figure.unit, Number(figure.reference),
                           figure.ratio)
            << std::flush;
  const char* const chosen = std::getenv("SEINE_BENCH_DIR");
  const std::filesystem::path directory = chosen == nullptr ? "build/bench" : chosen;
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  std::ofstream(directory / (figure.name + ".json")) << fmt::format(
      "{{\"name\": \"{}\", \"value\": {}, \"unit\": \"{}\", \"reference\": {}, "
      "\"ratio\": {:.4f}}}\n",
      figure.name, Number(figure.value), figure.unit, Number(figure.reference), figure.ratio);
}

void Rounds::Add(double value, double reference) {
  values_.push_back(value);
  references_.push_back(reference);
  ratios_.push_back(value / reference);
}

void Rounds::Tell(const std::string& name, const std::string& unit) const {
  Report({name, Median(values_), unit, Median(references_), Median(ratios_)});
}

double Median(std::vector<double> values) {
  CHECK(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace bench
