// Data API v2: /v2/trades, /v2/activity, /v2/positions, /v2/value, /v2/holders, /v2/resolutions and
// /v2/status.
//
// Lists come in an envelope with exact `has_more` and an opaque cursor; a feed is keyset on
// (timestamp, sequence), newest first. The routes of v1 are gone.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim/books.h"
#include "sim/data_rows.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

class DataApi {
 public:
  // `cache_seconds` > 0: a first page is answered from a cache for so long.
  DataApi(const World& world, std::int64_t cache_seconds);

  Response Answer(const Request& request);

 private:
  struct Cached {
    common::UnixSeconds expires = 0;
    std::size_t fills = 0;
  };
  struct Page;

  Response Trades(const Request& request);
  Response Status(const Request& request) const;
  std::size_t VisibleFills(const Request& request);
  Response Activity(const Request& request);
  void WriteRows(const Request& request, Page& page, Response& response);

  const World& world_;
  const std::int64_t cache_seconds_;
  DataRows rows_;
  Books books_;
  std::map<std::string, Cached> cache_;
};

// {error, code, retryable, trace_id, parameter}.
Response DataError(int status, const std::string& code, const std::string& message,
                   const std::string& parameter);

}  // namespace sim
