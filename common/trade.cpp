#include "common/trade.h"

#include <array>
#include <string_view>
#include <utility>

namespace common {
namespace {

constexpr std::array<std::pair<Source, const char*>, 4> kSourceNames{{
    {Source::kSubgraph, "subgraph"},
    {Source::kDataApi, "data-api"},
    {Source::kRpc, "rpc"},
    {Source::kDome, "dome"},
}};

}  // namespace

const char* ToString(Source source) {
  for (const auto& [value, name] : kSourceNames) {
    if (value == source) return name;
  }
  return "unknown";
}

std::optional<Source> ParseSource(std::string_view text) {
  for (const auto& [value, name] : kSourceNames) {
    if (text == name) return value;
  }
  return std::nullopt;
}

}  // namespace common
