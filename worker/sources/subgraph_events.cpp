#include "worker/sources/subgraph_events.h"

#include <algorithm>

#include <fmt/format.h>

#include "worker/sources/error_body.h"

namespace worker::sources {

std::optional<common::Error> CheckOrder(const SubgraphEvent& event, const SubgraphPosition& before,
                                        common::UnixSeconds first, common::UnixSeconds last) {
  const common::UnixSeconds ts = event.filled.ts;
  if (ts < first || ts > last) return Implausible("an event outside of the asked time");
  if (before.id.empty()) return std::nullopt;
  if (ts < before.ts || (ts == before.ts && event.id <= before.id)) {
    return Implausible("its events repeat or are not in order");
  }
  return std::nullopt;
}

std::vector<TokenHint> HintsOf(std::vector<common::TokenId> tokens) {
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  std::vector<TokenHint> hints(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) hints[i].token = tokens[i];
  return hints;
}

std::string EvidenceOf(const SubgraphEvent& event, const std::string& why) {
  const OrderFilledV1& filled = event.filled;
  return fmt::format("event {} at {}: {} (gives {} of {}, gets {} of {}, fee {})", event.id,
                     filled.ts, why, Evidence(filled.maker_amount), Evidence(filled.maker_asset),
                     Evidence(filled.taker_amount), Evidence(filled.taker_asset),
                     Evidence(filled.fee));
}

}  // namespace worker::sources
