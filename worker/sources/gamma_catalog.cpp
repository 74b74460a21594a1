#include "worker/sources/gamma_catalog.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/error_body.h"
#include "worker/sources/gamma_market.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/tally.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMostCatalogRows = 1000;  // far above what was asked for
// An event brings its markets along, hundreds for some, and an answer must stay below the client's
// cap.
constexpr int kMarketsPerPage = 100;
constexpr int kEventsPerPage = 50;

common::Error Transient(std::string message) {
  return {common::ErrorKind::kTransient, "Gamma's answer " + std::move(message)};
}

void AddText(StableHash& hash, std::string_view text) {
  hash.Add(text.size());
  for (const char c : text) hash.Add(static_cast<unsigned char>(c));
}

// Collects one page.
class PageReader {
 public:
  void TakeMarket(dom::element element, const store::EventInfo* event) {
    auto market = reader_.ReadMarket(element, event);
    if (!market) return Refuse("market", element, "has no condition id");
    if (reader_.mismatch()) Refuse("market", element, "has tokens that do not match its outcomes");
    if (event == nullptr) TakeEventOf(element);
    page_.markets.push_back(std::move(*market));
  }

  void TakeEventRow(dom::element element) {
    const store::EventInfo event = GammaReader::ReadEvent(element);
    if (event.event_id.empty()) return Refuse("event", element, "has no id");
    if (seen_.insert(event.event_id).second) page_.events.push_back(event);
    dom::array markets;
    if (element["markets"].get_array().get(markets) != simdjson::SUCCESS) return;
    for (const dom::element market : markets) TakeMarket(market, &event);
  }

  void Count(dom::element row) {
    AddText(hash_, TextOf(row, "id"));
    ++page_.end.rows;
  }

  CatalogPage Finish(std::string next_cursor) {
    page_.end.hash = hash_.value();
    page_.end.next_cursor = std::move(next_cursor);
    return std::move(page_);
  }

 private:
  void TakeEventOf(dom::element market) {
    dom::array events;
    if (market["events"].get_array().get(events) != simdjson::SUCCESS || events.size() == 0) return;
    store::EventInfo event = GammaReader::ReadEvent(events.at(0).value());
    if (event.event_id.empty() || !seen_.insert(event.event_id).second) return;
    page_.events.push_back(std::move(event));
  }

  void Refuse(const char* what, dom::element element, const char* why) {
    page_.refused.push_back(fmt::format("{} {} ({}) {}", what, Evidence(TextOf(element, "id")),
                                        Evidence(TextOf(element, "slug")), why));
  }

  CatalogPage page_;
  GammaReader reader_;
  std::set<std::string> seen_;
  StableHash hash_;
};

// Absent or null on the last page.
common::Result<std::string> NextCursor(dom::element document) {
  dom::element cursor;
  if (document["next_cursor"].get(cursor) != simdjson::SUCCESS || cursor.is_null()) {
    return std::string();
  }
  std::string_view text;
  if (cursor.get_string().get(text) != simdjson::SUCCESS || text.size() > kLongestNextCursor) {
    return Transient("has a next_cursor that is none");
  }
  return std::string(text);
}

}  // namespace

HttpRequest CatalogRequest(const std::string& gamma_url, const CatalogQuery& query,
                           std::string_view position) {
  const bool is_events = query.list == CatalogList::kEvents;
  std::string url =
      fmt::format("{}/{}/keyset?limit={}&closed={}", gamma_url, is_events ? "events" : "markets",
                  is_events ? kEventsPerPage : kMarketsPerPage, query.closed);
  if (!is_events) url += "&include_tag=true";
  if (query.newest_closed_first) url += "&order=closedTime&ascending=false";
  const PageEnd before = DecodePageEnd(position);
  if (!before.next_cursor.empty()) url += "&after_cursor=" + EscapeQuery(before.next_cursor);
  return {.endpoint = is_events ? Endpoint::kGammaOther : Endpoint::kGammaMarkets,
          .url = std::move(url),
          .body = {}};
}

common::Result<CatalogPage> ParseCatalogPage(CatalogList list, std::string_view position,
                                             std::string_view body) {
  dom::parser parser;
  dom::element document;
  if (const auto code = parser.parse(body.data(), body.size()).get(document)) {
    return Transient(std::string("is no complete JSON: ") + simdjson::error_message(code));
  }
  for (const char* key : {"error", "errors"}) {
    if (document[key].error() != simdjson::SUCCESS) continue;
    const auto told = ParseErrorBody(body);
    return Transient("is an error: " + (told ? told->message : Evidence(body)));
  }
  const bool is_events = list == CatalogList::kEvents;
  dom::array rows;
  if (document[is_events ? "events" : "markets"].get_array().get(rows) != simdjson::SUCCESS) {
    return Transient("is no page of the list: " + Evidence(body));
  }
  if (rows.size() > kMostCatalogRows) return Transient("has more rows than were asked for");
  common::Result<std::string> next = NextCursor(document);
  if (!next) return next.error();
  if (rows.size() == 0 && !next->empty()) return Transient("has no rows and yet there is more");

  PageReader reader;
  for (const dom::element row : rows) {
    reader.Count(row);
    is_events ? reader.TakeEventRow(row) : reader.TakeMarket(row, nullptr);
  }
  CatalogPage page = reader.Finish(std::move(*next));
  if (auto error = StandsStill(DecodePageEnd(position), page.end)) return *error;
  return page;
}

common::UnixSeconds LastClosedOf(CatalogList list, const CatalogPage& page) {
  const auto of = [](const auto& rows) {
    return rows.empty() ? common::UnixSeconds{0} : rows.back().closed_at;
  };
  return list == CatalogList::kEvents ? of(page.events) : of(page.markets);
}

bool ClosedBefore(CatalogList list, const CatalogPage& page, common::UnixSeconds newest,
                  common::UnixSeconds since) {
  const auto all_closed_before = [&](const auto& rows) {
    if (rows.empty() || rows.size() != page.end.rows) return false;
    for (const auto& row : rows) {
      if (row.closed_at == 0 || row.closed_at >= since || row.closed_at > newest) return false;
      newest = row.closed_at;
    }
    return true;
  };
  return list == CatalogList::kEvents ? all_closed_before(page.events)
                                      : all_closed_before(page.markets);
}

}  // namespace worker::sources
