// Data API v2: /v2/trades and /v2/status.
//
// Lists come in an envelope with exact `has_more` and an opaque cursor; a feed is keyset on
// (timestamp, sequence), newest first. The routes of v1 are gone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/message.h"
#include "sim/world.h"

namespace sim {

// The Data API's word for an outcome that is not labelled yet.
inline constexpr int kUnlabelledOutcome = 999;

class DataApi {
 public:
  // `cache_seconds` > 0: a first page is answered from a cache for so long.
  DataApi(const World& world, std::int64_t cache_seconds);

  Response Answer(const Request& request);

 private:
  struct TokenText {
    std::string head;      // token and condition
    std::string labelled;  // title to outcome index
    std::string fresh;     // the same, before the labels have arrived
  };
  struct Cached {
    common::UnixSeconds expires = 0;
    std::size_t fills = 0;
  };
  struct Page;

  Response Trades(const Request& request);
  Response Status(const Request& request) const;
  std::size_t VisibleFills(const Request& request);
  void WriteRows(const Request& request, Page& page, Response& response) const;
  void AppendRow(std::string& out, const Fill& fill, bool labelled) const;

  const World& world_;
  const std::int64_t cache_seconds_;
  std::vector<TokenText> token_texts_;
  std::map<std::string, Cached> cache_;
};

// {error, code, retryable, trace_id, parameter}.
Response DataError(int status, const std::string& code, const std::string& message,
                   const std::string& parameter);

}  // namespace sim
