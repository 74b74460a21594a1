// Pages of Gamma's markets, events and tags: whatever the bytes, they are read or refused, tokens
// and outcomes match, and a walk goes on from what was stored.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/gamma_catalog.h"
#include "worker/sources/gamma_tags.h"
#include "worker/sources/iso_time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const CatalogList list : {CatalogList::kMarkets, CatalogList::kEvents}) {
    const auto page = ParseCatalogPage(list, "", body);
    if (!page) continue;
    for (const auto& market : page->markets) {
      for (const auto* tokens : {&market.tokens, &market.position_ids}) {
        CHECK(tokens->empty() || tokens->size() == market.outcomes.size());
      }
      if (market.resolution) CHECK(market.resolution->payouts.size() == market.outcomes.size());
    }
    const std::string position = EncodePageEnd(page->end);
    CHECK(position.empty() || DecodePageEnd(position) == page->end);
    (void)ClosedBefore(list, *page, LastClosedOf(list, *page), 1'790'000'000);
    // The same page once more is never the next one.
    CHECK(position.empty() || !ParseCatalogPage(list, position, body));
  }
  (void)ParseGammaTags(body);
  (void)ParseIsoTime(body);
  CHECK(EscapeQuery(body).find_first_of("&#= \r\n") == std::string::npos);
  return 0;
}
