#include "worker/sources/subgraph_position.h"

#include <optional>

#include <fmt/format.h>

#include "worker/sources/position_number.h"

namespace worker::sources {

std::string Encode(const SubgraphPosition& position) {
  return fmt::format("1;{};{};{}", position.ts, position.refused_at, position.id);
}

SubgraphPosition DecodeSubgraphPosition(std::string_view text) {
  const auto version = TakeNumber(text);
  if (version != 1) return {};
  const auto ts = TakeNumber(text);
  const auto refused_at = ts ? TakeNumber(text) : std::nullopt;
  // Only plain ids were ever stored, see subgraph_page.cpp; a quote would break out of the query.
  if (!refused_at || text.empty() || text.find_first_of("\"\\") != std::string_view::npos)
    return {};
  return {.ts = *ts, .refused_at = *refused_at, .id = std::string(text)};
}

}  // namespace worker::sources
