// A page of /trades and its stored position, as a stranger might send them: whatever the bytes,
// each is read or refused, and a position survives being written again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/data_api.h"
#include "worker/sources/data_api_position.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using worker::sources::DataApi;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const DataApi api("http://data/v2");
  static const auto wallet =
      common::WalletAddress::Parse("0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a").value();
  constexpr common::UnixSeconds kHorizon = 1'790'000'000;
  common::Cursor cursor;
  const auto page = api.ParsePage(wallet, cursor, kHorizon, body);
  if (page) {
    CHECK(page->last == page->next.position.empty());
    cursor = page->next;
    CHECK(cursor.complete_to <= kHorizon);
    const auto again = worker::sources::DecodeDataApiPosition(cursor.position);
    CHECK(page->last || (again && worker::sources::Encode(*again) == cursor.position));
    (void)api.ParsePage(wallet, cursor, kHorizon, body);
  }
  (void)api.ParseFreshness(body, kHorizon);
  (void)worker::sources::DecodeDataApiPosition(body);
  return 0;
}
