#include "sim/rpc.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/blocks.h"
#include "sim/text.h"

namespace sim {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostInBatch = 100;
// Behind one address stand several nodes, and not all are as far as the others.
constexpr std::int64_t kBlocksBehind = 20;
constexpr std::int64_t kBlocksLagging = 2500;
constexpr int kBeyondHead = -32000;
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kNoSuchMethod = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kLimitExceeded = -32005;

struct RpcRefusal {
  int code = kInvalidRequest;
  std::string message;
};

std::string ErrorText(const Json& id, const RpcRefusal& refusal) {
  return Json{{"jsonrpc", "2.0"},
              {"id", id},
              {"error", {{"code", refusal.code}, {"message", refusal.message}}}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

// An id is a number, a text or null. Anything else could be of any depth.
Json IdOf(const Json& call) {
  const auto id = call.is_object() ? call.find("id") : call.end();
  if (!call.is_object() || id == call.end()) return nullptr;
  return id->is_number() || id->is_string() ? *id : Json(nullptr);
}

}  // namespace

Rpc::Rpc(const World& world, const RpcOptions& options)
    : options_(options), chain_(world, options.chain), logs_(world, chain_, options.log_times) {}

std::pair<std::int64_t, std::int64_t> Rpc::Fork(std::int64_t depth, common::UnixSeconds now) {
  return chain_.Fork(depth, now);
}

Response Rpc::Answer(const Request& request) {
  if (request.method != "POST") return JsonResponse(405, R"({"error":"POST a JSON-RPC call"})");
  const Json body = Json::parse(request.body, nullptr, false);
  Response response;
  std::int64_t head = chain_.Head(request.now);
  if (request.page_fault == PageFault::kStale || request.page_fault == PageFault::kLagging) {
    head -= request.page_fault == PageFault::kStale ? kBlocksBehind : kBlocksLagging;
    response.page_fault_done = true;
  }
  if (body.is_discarded()) {
    response.body = ErrorText(nullptr, {kParseError, "parse error"});
    return response;
  }
  if (!body.is_array()) {
    response.body = AnswerCall(body, {head, request.now}, response.rows);
    return response;
  }
  if (body.empty() || body.size() > kMostInBatch) {
    response.body =
        ErrorText(nullptr, {kInvalidRequest, body.empty() ? "empty batch" : "batch too large"});
    return response;
  }
  response.body = "[";
  for (const Json& call : body) {
    if (response.body.size() > 1) response.body += ',';
    response.body += AnswerCall(call, {head, request.now}, response.rows);
  }
  response.body += ']';
  return response;
}

std::string Rpc::AnswerCall(const Json& call, const View& view, std::size_t& rows) {
  const Json id = IdOf(call);
  try {
    const bool is_call = call.is_object() && call.contains("method") && call["method"].is_string();
    if (!is_call) throw RpcRefusal{kInvalidRequest, "invalid request"};
    static const Json kNone = Json::array();
    const auto params = call.find("params");
    const std::string result = ResultOf(call["method"].get<std::string>(),
                                        params == call.end() ? kNone : *params, view, rows);
    return R"({"jsonrpc":"2.0","id":)" + id.dump(-1, ' ', false, Json::error_handler_t::replace) +
           R"(,"result":)" + result + '}';
  } catch (const RpcRefusal& refusal) {
    return ErrorText(id, refusal);
  }
}

std::string Rpc::ResultOf(const std::string& method, const Json& params, const View& view,
                          std::size_t& rows) {
  if (!params.is_array()) throw RpcRefusal{kInvalidParams, "non-array args"};
  if (method == "eth_chainId") return "\"0x89\"";
  if (method == "net_version") return "\"137\"";
  if (method == "eth_blockNumber") return '"' + Quantity(view.head) + '"';
  if (method == "eth_getBlockByNumber") return Block(params, view);
  if (method == "eth_getLogs") return Logs(params, view.head, rows);
  throw RpcRefusal{kNoSuchMethod,
                   fmt::format("the method {} does not exist/is not available", method)};
}

std::string Rpc::Block(const Json& params, const View& view) const {
  const std::int64_t head = view.head;
  const auto number = params.empty() ? std::nullopt : ParseBlock(params[0], head);
  if (!number) throw RpcRefusal{kInvalidParams, "invalid argument 0: not a block number"};
  if (*number > head) return "null";
  return fmt::format(
      R"({{"number":"{}","hash":"{}","parentHash":"{}","timestamp":"{}","gasLimit":"0x1c9c380","gasUsed":"0x0","miner":"0x0000000000000000000000000000000000000000","size":"0x220","transactions":[],"uncles":[]}})",
      Quantity(*number), Hex(chain_.HashOf(*number, head)), Hex(chain_.HashOf(*number - 1, head)),
      Quantity(chain_.TimeOf(*number, view.now)));
}

std::string Rpc::Logs(const Json& params, std::int64_t head, std::size_t& rows) {
  static const Json kNone;
  LogFilter filter;
  if (auto reason = ReadLogFilter(params.empty() ? kNone : params[0], head, filter)) {
    throw RpcRefusal{kInvalidParams, *std::move(reason)};
  }
  if (filter.to_block > head) {
    throw RpcRefusal{kBeyondHead, "block range extends beyond current head block"};
  }
  const bool one_block = filter.from_block == filter.to_block;
  if (filter.to_block - filter.from_block + 1 > options_.most_blocks && !one_block) {
    throw RpcRefusal{kLimitExceeded, "block range is too large"};
  }
  const auto most = one_block ? SIZE_MAX : static_cast<std::size_t>(options_.most_logs);
  std::string result = "[";
  const auto count = logs_.Append(filter, head, most, result);
  if (!count) {
    throw RpcRefusal{kLimitExceeded,
                     fmt::format("query returned more than {} results", options_.most_logs)};
  }
  rows += *count;
  return result + ']';
}

}  // namespace sim
