// What is proven, and by what.
//
// /status says that all fills up to `now - age - lag` are served, and caches in front of /trades
// show what was served up to kDataApiCacheAge ago; a horizon is therefore `now` less all three.
// A page that was asked for when the horizon was H shows every fill up to H that lies in its part
// of the feed, and the feed is keyset on (timestamp, sequence): older parts do not move while newer
// rows come. So a walk that began at horizon H and read every page down to `floor` has every fill
// of [floor, H].
//
// A walk of one page ends there: that page was its head and its end, and asking again at once would
// show the same. A longer walk took time, so its head is read again from the newest row down to
// H - kDataApiOverlap, under a new horizon H2; that also catches rows that came late. [floor, H]
// and [H - overlap, H2] leave no gap, and the wallet is complete to H2. The cache's age is in H2
// already. A head that was cut off and goes on much later shows nothing newer than its own
// beginning, so it is followed by another one.
//
// A refresh is a walk from the newest row down to complete_to - kDataApiOverlap; it needs no second
// reading, because the next refresh overlaps it. Re-read rows get the same keys, so they are stored
// once; a row that came late is a new one.
#include "worker/sources/data_api.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/check.h"
#include "worker/sources/data_api_page.h"
#include "worker/sources/data_api_walk.h"

namespace worker::sources {
DataApi::DataApi(std::string base_url)
    : base_url_(std::move(base_url)), json_(std::make_unique<JsonText>()) {}

DataApi::~DataApi() = default;

HttpRequest DataApi::FreshnessRequest() const {
  return {.endpoint = Endpoint::kDataOther, .url = base_url_ + "/status", .body = {}};
}

common::Result<common::UnixSeconds> DataApi::ParseFreshness(std::string_view body,
                                                            common::UnixSeconds now) const {
  const common::Result<common::UnixSeconds> lag = ReadDataApiLag(*json_, body);
  if (!lag) return lag.error();
  if (*lag > kDataApiLargestLag) {
    return common::Error{common::ErrorKind::kTransient,
                         fmt::format("the Data API is stale: {} s behind", *lag)};
  }
  return now - *lag - kDataApiCacheAge;
}

HttpRequest DataApi::PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                 common::UnixSeconds /*horizon*/) const {
  CHECK(cursor.source == id());
  const DataApiPosition position = PositionOf(cursor);
  // filter_amount=0 would mean the default of 0.01 and hide dust; a cursor does not hold filters.
  std::string url = fmt::format(
      "{}/trades?user={}&taker_only=false&filter_type=TOKENS&filter_amount=0.000001&limit={}{}",
      base_url_, wallet.ToString(), kFeedPageSize, PlaceInUrl(position));
  return {.endpoint = Endpoint::kDataTrades, .url = std::move(url), .body = {}};
}

common::Result<Page> DataApi::ParsePage(const common::WalletAddress& wallet,
                                        const common::Cursor& cursor, common::UnixSeconds horizon,
                                        std::string_view body) const {
  CHECK(cursor.source == id());
  DataApiPosition position = PositionOf(cursor);
  const bool is_first = position.next_cursor.empty();
  if (is_first) position.horizon = std::max<common::UnixSeconds>(0, horizon);
  common::Result<DataApiPage> read =
      ReadDataApiPage(*json_, body, {.wallet = wallet, .condition = {}}, position);
  if (!read) return read.error();

  Page page;
  page.trades = std::move(read->trades);
  page.hints = std::move(read->hints);
  page.refused = std::move(read->refused);
  // What is proven stays so, also where the upstream tells less of it today.
  if (read->is_empty && cursor.position.empty()) {
    page.nothing_since = std::max(position.floor, cursor.complete_to + 1);
  }
  FeedStep step = StepAfter(cursor, position, read->has_more, is_first, horizon);
  page.next = std::move(step.next);
  page.last = step.last;
  page.shortfall = std::move(step.shortfall);
  return page;
}

}  // namespace worker::sources
