// A page of /holders and its stored position: whatever the bytes, each is read or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "common/contracts.h"
#include "worker/sources/holders_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const auto page = ParseHoldersPage("", body);
  if (page) {
    CHECK(std::is_sorted(page->wallets.begin(), page->wallets.end()));
    CHECK(std::none_of(page->wallets.begin(), page->wallets.end(), common::IsContract));
    const std::string position = EncodePageEnd(page->end);
    CHECK(position.empty() || !ParseHoldersPage(position, body));
  }
  const std::string url = HoldersRequest("http://data", {}, body).url;
  CHECK(url.find_first_of(" \r\n#") == std::string::npos);
  return 0;
}
