// A page of /activity: whatever the bytes, it is read or refused, and a walk never proves more than
// its horizon.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/activity_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const auto wallet =
      common::WalletAddress::Parse("0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a").value();
  constexpr common::UnixSeconds kHorizon = 1'790'000'000;
  const auto page = ParseActivityPage(wallet, {}, kHorizon, body);
  if (!page) return 0;
  CHECK(page->last == page->next.position.empty());
  CHECK(page->next.complete_to <= kHorizon);
  for (const Activity& row : page->rows) CHECK(ParseActivityKind(ToString(row.kind)) == row.kind);
  (void)ParseActivityPage(wallet, page->next, kHorizon, body);
  return 0;
}
