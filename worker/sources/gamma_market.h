// One market, one event, as Gamma writes them in every list of its own.
//
// Included by the .cpp files of this folder alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "worker/store/market_info.h"

namespace worker::sources {

// Reads markets and events one after the other; belongs to one thread.
class GammaReader {
 public:
  // Nothing where it has no readable condition id. Its tokens are index-aligned with its outcomes;
  // lists that do not match tell nothing, so the market then has none, and `mismatch` is true.
  // `event` is the one that it was found in; without it, the market's own word on that counts.
  std::optional<store::MarketInfo> ReadMarket(simdjson::dom::element market,
                                              const store::EventInfo* event = nullptr);
  bool mismatch() const { return mismatch_; }

  // Without an id it says something of its market, but is no event to be kept.
  static store::EventInfo ReadEvent(simdjson::dom::element event);

 private:
  std::vector<std::string> ListOf(simdjson::dom::element market, std::string_view key);
  std::vector<common::TokenId> TokensOf(simdjson::dom::element market, std::string_view key,
                                        std::size_t outcomes);
  void ReadTokens(simdjson::dom::element market, store::MarketInfo& info);
  void ReadOutcome(simdjson::dom::element market, store::MarketInfo& info);

  simdjson::dom::parser lists_;
  bool mismatch_ = false;
};

}  // namespace worker::sources
