// A wallet's fills from a Polygon node: the events of all exchanges whose maker it is, oldest
// first.
//
// Slow for a whole history, as a node bears some thousand blocks a request; meant for a few wallets
// of special interest, and for seconds that another source tells badly. A walk learns the newest
// block, finds the block in which its first second lies, and goes on by RpcWalk to the newest block
// that is deep enough. What lies deeper than kRpcConfirmations is taken for final.
#pragma once

#include <string>

#include "worker/sources/trade_source.h"

namespace worker::sources {

// A node whose newest block is older than this is stale.
inline constexpr common::UnixSeconds kRpcLargestLag = 900;

// Belongs to one thread.
class Rpc final : public TradeSource {
 public:
  explicit Rpc(std::string url);

  common::Source id() const override { return common::Source::kRpc; }
  HttpRequest FreshnessRequest() const override;
  common::Result<common::UnixSeconds> ParseFreshness(std::string_view body,
                                                     common::UnixSeconds now) const override;
  HttpRequest PageRequest(const common::WalletAddress& wallet, const common::Cursor& cursor,
                          common::UnixSeconds horizon) const override;
  // An interval that is too wide is no failure, however the node says so: see rpc_answer.h.
  common::Result<Page> ReadPage(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                common::UnixSeconds horizon,
                                const HttpResponse& response) const override;
  common::Result<Page> ParsePage(const common::WalletAddress& wallet, const common::Cursor& cursor,
                                 common::UnixSeconds horizon, std::string_view body) const override;

 private:
  const std::string url_;
};

}  // namespace worker::sources
