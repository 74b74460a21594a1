// Texts of upstreams, made fit for PostgreSQL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace worker::store {

// Valid UTF-8 without zero bytes, at most `limit` bytes: what is neither becomes "?", what is too
// long is cut between characters. PostgreSQL would refuse the whole batch for one such byte.
std::string CleanText(std::string_view text, std::size_t limit = 10'000);

// Of the text that says why a wallet or a unit failed.
inline constexpr std::size_t kErrorBytes = 1000;

}  // namespace worker::store
