// Pages of /positions and /value: whatever the bytes, they are read or refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/positions_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const auto wallet =
      common::WalletAddress::Parse("0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a").value();
  const PositionsQuery query{.wallet = wallet};
  const auto page = ParsePositionsPage(query, "", body);
  if (page) {
    for (const Position& position : page->positions) CHECK(position.wallet == wallet);
    const std::string position = EncodePageEnd(page->end);
    CHECK(position.empty() || !ParsePositionsPage(query, position, body));
  }
  (void)ParseValue(wallet, body);
  return 0;
}
