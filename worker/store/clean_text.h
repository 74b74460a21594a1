// Texts of upstreams, made fit for PostgreSQL.
#pragma once

#include <string>
#include <string_view>

namespace worker::store {

// Valid UTF-8 without zero bytes, at most `limit` bytes: what is neither becomes "?", what is too
// long is cut between characters. PostgreSQL would refuse the whole batch for one such byte.
std::string CleanText(std::string_view text, std::size_t limit = 10'000);

}  // namespace worker::store
