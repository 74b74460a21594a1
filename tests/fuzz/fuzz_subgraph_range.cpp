// A page of every maker's events and its stored position: whatever the bytes, it is read or
// refused, and what is stored cannot break out of the next query.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/subgraph_range.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const SubgraphRange range;
  const auto page = ParseSubgraphRange(range, "", body);
  if (page) {
    CHECK(page->through <= common::kV1Cutover);
    for (const auto& row : page->trades) CHECK(row.trade.size > 0 && row.trade.usdc >= 0);
  }
  (void)ParseSubgraphNewest(body);
  const std::string asked = SubgraphRangeRequest("http://graph", range, body).body;
  // The query's own quotes, and those of two or three variables.
  const auto quotes = std::count(asked.begin(), asked.end(), '"');
  CHECK(quotes == 14 || quotes == 18);
  return 0;
}
