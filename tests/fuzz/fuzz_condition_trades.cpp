// A page of a condition's trades and its stored position: whatever the bytes, each is read or
// refused, and every trade has a wallet and shares.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "worker/sources/condition_trades.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace worker::sources;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  static const auto condition =
      common::ParseConditionId("0x571aafcdc9d3549ac260d5f956adc4ae57d9ace63575abd99db58ba0130e9fcf")
          .value();
  const auto page = ParseConditionTrades(condition, "", body);
  if (page) {
    for (const auto& row : page->trades) CHECK(row.trade.size > 0 && row.trade.usdc >= 0);
    CHECK(page->wallets.size() <= page->trades.size());
    (void)ParseConditionTrades(condition, page->position, body);
  }
  const std::string url = ConditionTradesRequest("http://data", condition, body).url;
  CHECK(url.find_first_of(" \r\n#") == std::string::npos);
  return 0;
}
