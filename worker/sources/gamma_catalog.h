// All of Gamma's markets and events, by its keyset lists.
//
// `closed` hides one half of either list, so each is walked twice: open and closed. Pages come by
// an opaque after_cursor; the last one has no next_cursor. Markets of an events' page are told too,
// with the event's tags, so a walk of the events alone knows every market that has an event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/page_end.h"
#include "worker/store/market_info.h"

namespace worker::sources {

enum class CatalogList : std::uint8_t { kMarkets, kEvents };

struct CatalogQuery {
  CatalogList list = CatalogList::kMarkets;
  bool closed = false;
  // Newest closed first, for who needs only those that closed lately: the walk may end at the
  // first page for which ClosedBefore is true.
  bool newest_closed_first = false;
};

struct CatalogPage {
  std::vector<store::MarketInfo> markets;
  std::vector<store::EventInfo> events;  // each once
  std::vector<std::string> refused;      // what could not be read, each with its evidence
  PageEnd end;
};

// `position` is what EncodePageEnd made of the page before; empty: the first page.
HttpRequest CatalogRequest(const std::string& gamma_url, const CatalogQuery& query,
                           std::string_view position);

// The page that was asked for at `position`. A market without tokens stays in it; one whose lists
// of tokens and outcomes contradict each other does so without tokens, and is told in `refused`.
// kTransient: no complete JSON, an error body, or a walk that stands still.
common::Result<CatalogPage> ParseCatalogPage(CatalogList list, std::string_view position,
                                             std::string_view body);

// When the last row of the list's page closed; 0: not told.
common::UnixSeconds LastClosedOf(CatalogList list, const CatalogPage& page);

// Whether all that the list's page lists closed before `since`, and newest first from `newest` on:
// what LastClosedOf said of the page before. A page on which one has no closing time or could not
// be read proves nothing, nor does an empty one.
bool ClosedBefore(CatalogList list, const CatalogPage& page, common::UnixSeconds newest,
                  common::UnixSeconds since);

}  // namespace worker::sources
