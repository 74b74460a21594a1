// A page of the Data API's /trades, read and checked against the walk that it continues.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/sources/data_api_position.h"
#include "worker/sources/trade_source.h"

namespace worker::sources {

class JsonText;

// Whose rows are asked for: one wallet's, or all of one condition's.
struct DataApiFeed {
  std::optional<common::WalletAddress> wallet;
  std::optional<common::ConditionId> condition;
};

struct DataApiPage {
  std::vector<common::Trade> trades;
  std::vector<common::WalletAddress> wallets;  // of each trade, where no wallet was asked for
  std::vector<TokenHint> hints;
  std::vector<std::string> refused;
  bool is_empty = false;  // no rows at all, not even refused ones
  bool has_more = false;
  std::string next_cursor;  // empty unless has_more
};

// Reads the page that was asked for at `position`. On success `position` has moved to the page's
// end: boundary, tally, page_hash, oldest_refused and next_cursor. kTransient: an error body, no
// complete JSON, rows that are not `feed`'s, repeat, are not in order or not in the asked time,
// or a pagination that contradicts itself. kMalformed: a row lacks what identifies it.
common::Result<DataApiPage> ReadDataApiPage(JsonText& json, std::string_view body,
                                            const DataApiFeed& feed, DataApiPosition& position);

// How far behind the upstream says it is, from the body of /status.
common::Result<common::UnixSeconds> ReadDataApiLag(JsonText& json, std::string_view body);

}  // namespace worker::sources
