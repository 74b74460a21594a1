// A Polygon node's JSON-RPC: OrderFilled logs of every exchange, and the blocks that they are in.
//
// Logs carry no time, or only at some nodes, so the headers of their blocks are asked for in one
// batch with the logs. Providers cap the blocks or the logs of one answer, each with a text of its
// own and some with a status of 400: such a refusal is an answer here, so that the walk can go on
// with a smaller interval. All readers take the whole response for that reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/rpc_block.h"
#include "worker/sources/wallet_trade.h"

namespace worker::sources {

// Both ends are asked for. `headers` are the blocks whose headers come along.
struct RpcLogsQuery {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::optional<common::WalletAddress> maker;
  std::vector<std::uint64_t> headers = {};
};

struct RpcFill {
  WalletTrade fill;  // its log index is its event key; ts is 0 where the log does not tell
  std::uint64_t block = 0;
  common::BlockHash block_hash;
};

struct RpcLogs {
  std::vector<RpcFill> fills;        // in order of (block, log index)
  std::vector<std::string> refused;  // logs that cannot be a trade, with their evidence
  std::vector<common::WalletAddress> refused_of = {};  // their makers, aligned
  std::uint64_t first_refused = 0;                     // the block of the first of them; 0: none
  std::vector<RpcBlock> headers;                       // as many as were asked for, in that order
};

// Ask for fewer blocks.
struct RpcTooWide {
  std::uint64_t most_blocks = 0;  // that the provider says it bears; 0: it does not say
  bool is_cap = false;            // it caps the blocks; else there were too many logs in these
  std::string message;
};

HttpRequest RpcHeadRequest(const std::string& url);  // the newest block
HttpRequest RpcBlockRequest(const std::string& url, std::uint64_t number);
HttpRequest RpcBlockNumberRequest(const std::string& url);
HttpRequest RpcLogsRequest(const std::string& url, const RpcLogsQuery& query);

// kTransient: no complete answer, an error of the node's own, or a block that it does not know
// (yet). kThrottled and kRejected: as the node says.
common::Result<RpcBlock> ReadRpcBlock(const HttpResponse& response);
common::Result<std::uint64_t> ReadRpcBlockNumber(const HttpResponse& response);

// The same, and kTransient as well: a log that is removed, comes twice, or was not asked for, and
// one whose block has another hash than its header (the chain was reorganised meanwhile: ask
// again). kMalformed: a log cannot be read. kRejected: too wide although it is one block.
common::Result<std::variant<RpcLogs, RpcTooWide>> ReadRpcLogs(const RpcLogsQuery& query,
                                                              const HttpResponse& response);

}  // namespace worker::sources
