// A page of /resolutions: whatever the bytes, it is read or refused, and whatever ended pays.
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "common/check.h"
#include "worker/sources/resolutions_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const std::vector<common::ConditionId> asked{
      common::ParseConditionId("0x789f0872f66cfffd21a33020e5c90e11f95f947e03be77ac2df7e86b0cb71527")
          .value()};
  const auto rows = ParseResolutions(asked, body);
  if (!rows) return 0;
  for (const ResolutionRow& row : *rows) {
    if (!row.resolution) continue;
    const auto& payouts = row.resolution->payouts;
    CHECK(std::accumulate(payouts.begin(), payouts.end(), std::int64_t{0}) > 0);
  }
  return 0;
}
