#include "worker/sources/subgraph_position.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace worker::sources {
namespace {

// Takes a number and the semicolon behind it from the front of `text`.
std::optional<common::UnixSeconds> TakeNumber(std::string_view& text) {
  common::UnixSeconds value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || value < 0 || stop == end || *stop != ';') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return value;
}

}  // namespace

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
