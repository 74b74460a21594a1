// The CLOB's word on a token or a market: whatever the bytes, it is read or refused, and both
// readers see the same condition.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/clob_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  const auto condition = worker::sources::ParseClobTokenMarket(body);
  const auto market = worker::sources::ParseClobMarket(body);
  if (!market) return 0;
  CHECK(condition && *condition == market->condition);
  CHECK(market->tokens.size() == market->outcomes.size());
  return 0;
}
