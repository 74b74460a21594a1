// Gamma's lists of markets: whatever the bytes, they are read or refused, and every token that is
// read has its outcome.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/gamma_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const auto markets = worker::sources::ParseGammaMarkets(body);
  if (!markets) return 0;
  for (const auto& market : *markets) CHECK(market.tokens.size() == market.outcomes.size());
  return 0;
}
