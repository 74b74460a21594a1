// token -> condition -> market -> event, tags, category: asked in batches, each token once.
//
// A token is looked for among Gamma's closed markets, then among its open ones (its lists hide
// closed markets unless told), then by Protocol V2's name for it in both, then at the CLOB, token
// by token. A list that Gamma has retired is passed over. What nobody knows is reported, and so is
// what could not be asked; both are to be asked again some other day. A core: no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "worker/http.h"
#include "worker/store/trade_store.h"
#include "worker/upstreams.h"

namespace worker {

struct Resolved {
  std::vector<store::MarketInfo> markets;
  std::vector<common::TokenId> unknown;     // no upstream knows them: TradeStore::NoteUnknown
  std::vector<common::TokenId> unanswered;  // given up after several failures; stay as they are
};

struct ResolverQuery {
  std::uint64_t ticket = 0;
  HttpRequest request;
};

// Belongs to one thread.
class Resolver {
 public:
  explicit Resolver(const Upstreams& upstreams);
  ~Resolver();

  // Tokens to look for. Those that are on their way, or were settled not long ago, are left out.
  void Want(const std::vector<common::TokenId>& tokens);

  // The next request for this endpoint, kGammaMarkets or kClob, if there is one. Gamma is asked in
  // full batches, or in halves of one that it refused; `flush` lets a smaller one go.
  std::optional<ResolverQuery> Next(Endpoint endpoint, bool flush);
  // Whether Next would return one.
  bool Wants(Endpoint endpoint, bool flush) const;

  // REQUIRES: `ticket` is from Next and was not answered. An error says how the upstream is; the
  // question is already back in the queue, or given up after kTries.
  common::Status OnResponse(std::uint64_t ticket, const HttpResponse& response);

  // What was settled since the last call.
  Resolved Take();

  // Nothing queued and nothing on its way; Take may still have something.
  bool idle() const;
  // Tokens wanted and not settled yet.
  std::size_t pending() const;

  static constexpr int kTries = 5;
  static constexpr std::size_t kBatchTokens = 40;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace worker
