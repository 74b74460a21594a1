#include "sim/list_page.h"

#include <fmt/format.h>

namespace sim {

ListPage CutPage(const Request& request, const ListRequest& list, std::size_t at, std::size_t size,
                 const std::function<FeedPosition(std::size_t)>& anchor, Response& response) {
  const auto limit = static_cast<std::size_t>(list.limit);
  const auto seal = [&](FeedPosition position) {
    position.limit = list.limit;
    return SealFeedCursor(list.seed, list.endpoint, position);
  };
  if (request.page_fault == PageFault::kRepeat && list.after && at > 0) {
    response.page_fault_done = true;
    return {at - std::min(at, limit), at, true, std::string(*request.Get("cursor"))};
  }
  if (request.page_fault == PageFault::kEmpty && at < size) {
    // The same place once more: a client that goes on from it misses nothing.
    response.page_fault_done = true;
    const FeedPosition start{list.limit, 0, 0, FeedPosition::kStart};
    return {at, at, true, list.after ? std::string(*request.Get("cursor")) : seal(start)};
  }
  ListPage page{at, std::min(at + limit, size), at + limit < size, ""};
  if (!page.more) return page;
  if (request.page_fault == PageFault::kNoCursor) {
    response.page_fault_done = true;
  } else {
    page.next = seal(anchor(page.end - 1));
  }
  return page;
}

void AppendPagination(std::string& out, std::int64_t limit, bool more, std::string_view next) {
  out += fmt::format(R"(],"pagination":{{"limit":{},"offset":0,"has_more":{},"next_cursor":)",
                     limit, more);
  if (next.empty()) {
    out += "null";
  } else {
    out += '"';
    out += next;
    out += '"';
  }
  out += "}}";
}

Response NoRows(std::int64_t limit) {
  return JsonResponse(
      200,
      fmt::format(
          R"({{"data":null,"pagination":{{"limit":{},"offset":0,"has_more":false,"next_cursor":null}}}})",
          limit));
}

}  // namespace sim
