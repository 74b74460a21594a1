// Pages of a list of the Data API that stands in memory, with the faults that pages can have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sim/cursor.h"
#include "sim/message.h"

namespace sim {

struct ListPage {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool more = false;
  std::string next;  // "" where the page names none
};

struct ListRequest {
  std::uint64_t seed = 0;
  std::string_view endpoint;
  std::int64_t limit = 100;
  std::optional<FeedPosition> after;
};

// `at` rows of `size` were told before this page; `anchor` gives the position of a row.
ListPage CutPage(const Request& request, const ListRequest& list, std::size_t at, std::size_t size,
                 const std::function<FeedPosition(std::size_t)>& anchor, Response& response);

// `],"pagination":{...}}` behind the rows.
void AppendPagination(std::string& out, std::int64_t limit, bool more, std::string_view next);

// The answer for a user that nobody knows.
Response NoRows(std::int64_t limit);

}  // namespace sim
