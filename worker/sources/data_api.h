// The Data API v2: fills of both eras, newest first, by an opaque cursor.
//
// A first walk goes down to the wallet's first owned second. If it took more than one page, the
// head is then read again, from the newest row down to the walk's own horizon less an overlap,
// because the walk took its time. A refresh is such a head walk only. See data_api.cpp for what is
// proven.
//
// Rows carry no order hash, no log index and no fee, and equal rows are legitimate. A row's
// event_key is a hash of (token, side, size, price, ordinal among its equals in the transaction);
// ordinals go on across page borders and resumes. What the upstream hides: fills below a millionth
// of a share, and who was the taker.
#pragma once

#include <memory>
#include <string>

#include "worker/sources/trade_source.h"

namespace worker::sources {

class JsonText;

// Caches in front of /trades: what is shown can be this old.
inline constexpr common::UnixSeconds kDataApiCacheAge = 300;
// How far below the proven end the head is read again, for rows that came late.
inline constexpr common::UnixSeconds kDataApiOverlap = 600;
// An upstream that lags more than this is stale.
inline constexpr common::UnixSeconds kDataApiLargestLag = 3600;

// Belongs to one thread: it reuses its buffers.
class DataApi final : public TradeSource {
 public:
  // `base_url` ends in "/v2".
  explicit DataApi(std::string base_url);
  ~DataApi() override;

  common::Source id() const override { return common::Source::kDataApi; }
  HttpRequest FreshnessRequest() const override;
  common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                     common::UnixSeconds now) const override;
  HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                          common::UnixSeconds horizon) const override;
  common::Result<Page> ParsePage(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                 common::UnixSeconds horizon, std::string_view body) const override;

 private:
  const std::string base_url_;
  const std::unique_ptr<JsonText> json_;
};

}  // namespace worker::sources
