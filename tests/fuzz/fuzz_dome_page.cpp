// A page of Dome's orders and its stored position: whatever the bytes, each is read or refused.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/check.h"
#include "worker/sources/dome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using worker::sources::Dome;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const Dome dome("http://dome", "");
  static const auto wallet =
      common::WalletAddress::Parse("0xcce2b7c71f21e358b8e5e797e586cbc03160d58b").value();
  constexpr common::UnixSeconds kHorizon = 1'790'000'000;
  common::Cursor cursor;
  cursor.source = common::Source::kDome;
  const auto page = dome.ParsePage(wallet, cursor, kHorizon, body);
  if (page) {
    CHECK(page->last == page->next.position.empty());
    CHECK(page->next.complete_to <= kHorizon);
    for (const common::Trade& trade : page->trades) CHECK(trade.size > 0 && trade.usdc >= 0);
    CHECK(page->last || !dome.ParsePage(wallet, page->next, kHorizon, body));
  }
  (void)dome.ParseFreshness(body, kHorizon);
  cursor.position = body;
  const std::string url = dome.PageRequest(wallet, cursor, kHorizon).url;
  CHECK(url.find_first_of(" \r\n#") == std::string::npos);
  return 0;
}
