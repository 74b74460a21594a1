// Lists of Gamma: what a query selects, in which order, and one page of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/message.h"
#include "sim/world.h"

namespace sim {

// The rows of a list have numbers, and stand in the order of these unless another one is asked for.
struct GammaList {
  std::string name;        // the key of the rows; a cursor is bound to it and to the order
  std::uint32_t size = 0;  // of all rows there are
  std::function<bool(std::uint32_t)> wanted;
  // Where a filter names them: the only numbers to look at, ascending.
  std::optional<std::vector<std::uint32_t>> named;
  // The instants or amounts to sort by; nothing for a word that is no order.
  std::function<std::optional<std::int64_t>(std::string_view order, std::uint32_t)> key;
  std::function<void(std::string&, std::uint32_t)> append;
};

// GET .../keyset: without `next_cursor` on the last page.
Response GammaKeysetPage(std::uint64_t seed, const Request& request, GammaList list);

// Refusals.
Response GammaError(int status, std::string_view type, std::string_view message);
Response GammaInvalid(std::string_view what);

// A number of 0 to `most`, or nothing where the parameter is wrong.
std::optional<std::int64_t> GammaNumber(const Request& request, std::string_view name,
                                        std::int64_t usual, std::int64_t most);
std::optional<bool> GammaFlag(const Request& request, std::string_view name, bool usual);

}  // namespace sim
