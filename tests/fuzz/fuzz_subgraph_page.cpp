// A page of orderFilledEvents: whatever the bytes, it is read or refused, and what is read cannot
// break out of the next query.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/subgraph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const worker::sources::Subgraph subgraph("http://graph");
  static const auto wallet =
      common::WalletAddress::Parse("0x8119010a6e589062aa03583bb3f39ca632d9f887").value();
  common::Cursor cursor;
  cursor.source = common::Source::kSubgraph;
  const auto page = subgraph.ParsePage(wallet, cursor, common::kV1Cutover, body);
  if (page) {
    CHECK(page->next.complete_to <= common::kV1Cutover);
    for (const common::Trade& trade : page->trades) CHECK(trade.size > 0 && trade.usdc >= 0);
  }
  (void)subgraph.ParseFreshness(body, common::kV1Cutover);
  cursor.position = body;
  const std::string asked = subgraph.PageRequest(wallet, cursor, common::kV1Cutover).body;
  // The query's own quotes, and those of three or four variables.
  const auto quotes = std::count(asked.begin(), asked.end(), '"');
  CHECK(quotes == 18 || quotes == 22);
  return 0;
}
