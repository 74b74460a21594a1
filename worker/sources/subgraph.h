// The orderbook subgraph: the closed archive of V1 fills, oldest first, by (timestamp, id).
//
// The walk's end is min(horizon, kV1Cutover): a caller for whom another source owns the later rows
// passes its own last second as horizon. While pages are full, complete_to follows to the last
// whole second; a page that comes short ends the walk.
//
// The archive's newest event is the only proof of freshness (_meta.block goes on although nothing
// is indexed). Where it is older than the cutover by more than kSubgraphSilence, the subgraph
// stopped early: its rows are good, but a wallet that ends there falls short.
#pragma once

#include <memory>
#include <string>

#include "worker/sources/trade_source.h"

namespace worker::sources {

class JsonText;

// So long a wait for the next event of all wallets is still possible.
inline constexpr common::UnixSeconds kSubgraphSilence = 86'400;

// Belongs to one thread: it reuses its buffers.
class Subgraph final : public TradeSource {
 public:
  explicit Subgraph(std::string url);
  ~Subgraph() override;

  common::Source id() const override { return common::Source::kSubgraph; }
  HttpRequest FreshnessRequest() const override;
  common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                     common::UnixSeconds now) const override;
  std::string Shortfall(common::UnixSeconds horizon) const override;
  HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                          common::UnixSeconds horizon) const override;
  common::Result<Page> ParsePage(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                 common::UnixSeconds horizon, std::string_view body) const override;

 private:
  const std::string url_;
  const std::unique_ptr<JsonText> json_;
};

}  // namespace worker::sources
