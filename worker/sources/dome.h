// Dome, the closed trade archive that Polymarket bought: fills of the V1 era, newest first.
//
// A walk has a fixed end, so that nothing new moves its pages, and goes by pagination_key where the
// answers tell one, else by offset. Its newest order is the only proof of freshness; what came
// after that is nobody's. Rows carry the order hash, so a fill has the key that the subgraph gives
// it.
#pragma once

#include <memory>
#include <string>

#include "worker/sources/trade_source.h"

namespace worker::sources {

class JsonText;

// The environment's SEINE_DOME_KEY; empty: there is none.
std::string DomeKeyOfEnvironment();

// Belongs to one thread: it reuses its buffers.
class Dome final : public TradeSource {
 public:
  // The key goes into a header of each request and nowhere else; without one, none is sent. Throws
  // std::invalid_argument where it could not stand in a header.
  Dome(std::string base_url, const std::string& key);
  ~Dome() override;

  common::Source id() const override { return common::Source::kDome; }
  HttpRequest FreshnessRequest() const override;
  common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                     common::UnixSeconds now) const override;
  HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                          common::UnixSeconds horizon) const override;
  common::Result<Page> ParsePage(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                 common::UnixSeconds horizon, std::string_view body) const override;

 private:
  HttpRequest RequestOf(std::string url) const;

  const std::string base_url_;
  std::vector<std::string> headers_;
  const std::unique_ptr<JsonText> json_;
};

}  // namespace worker::sources
