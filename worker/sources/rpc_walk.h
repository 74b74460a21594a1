// A walk over blocks by eth_getLogs, of all wallets or of one: which interval to ask for next.
//
// The interval follows what the provider bears: halved where an answer would be too large, capped
// where the provider says so, doubled while answers are small. Where logs do not tell their time,
// the headers of their blocks are asked for in a second request together with the logs, so that
// both are of one chain. A walk ends at a block that is deep enough never to be taken back; which
// that is, the caller decides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/rpc_page.h"

namespace worker::sources {

// Blocks below this depth are not taken back. The deepest reorganisation of Polygon that is known
// of took 157 blocks, before milestones made blocks final after two.
inline constexpr std::uint64_t kRpcConfirmations = 256;
inline constexpr std::uint64_t kRpcFirstSpan = 128;
inline constexpr std::uint64_t kRpcMostSpan = 8192;
// No more headers in one request: providers cap their batches.
inline constexpr std::size_t kRpcMostHeaders = 90;

struct RpcWalk {
  std::uint64_t next = 0;  // the first block that is not told yet
  std::uint64_t last = 0;  // the last one to be told
  std::uint64_t span = kRpcFirstSpan;
  std::uint64_t cap = kRpcMostSpan;         // of span, as learned
  std::uint64_t first_refused = 0;          // a block; 0: none
  std::vector<std::uint64_t> untimed = {};  // blocks from next on whose headers are needed

  bool is_over() const { return next > last; }
  friend bool operator==(const RpcWalk&, const RpcWalk&) = default;
};

std::string EncodeRpcWalk(const RpcWalk& walk);
// Nothing where the text is not what EncodeRpcWalk wrote.
std::optional<RpcWalk> DecodeRpcWalk(std::string_view text);

struct RpcWalkPage {
  std::vector<WalletTrade> trades;   // all of blocks [walk.next, next.next)
  std::vector<std::string> refused;  // logs that cannot be a trade, with their evidence
  std::vector<common::WalletAddress> refused_of = {};  // their makers, aligned
  RpcWalk next;
  // The last block that is told; the one behind it may be of the same second. Nothing on a page
  // that only learned a smaller interval, or which headers it needs.
  std::optional<RpcBlock> through;
  std::optional<RpcBlock> behind;  // the block before the first one, where it was asked for
};

// Whether the block before the first one is to come along, so that the page can be joined to what
// was told before. REQUIRES: there is one.
enum class RpcJoin : std::uint8_t { kNothing, kBlockBefore };

// REQUIRES: !walk.is_over().
HttpRequest RpcWalkRequest(const std::string& url, const RpcWalk& walk,
                           const std::optional<common::WalletAddress>& maker = {},
                           RpcJoin join = RpcJoin::kNothing);

// The answer to that, whatever its status. Errors as of ReadRpcLogs.
common::Result<RpcWalkPage> ReadRpcWalkPage(const RpcWalk& walk, const HttpResponse& response,
                                            const std::optional<common::WalletAddress>& maker = {},
                                            RpcJoin join = RpcJoin::kNothing);

}  // namespace worker::sources
