#include "worker/sources/rpc_page.h"

#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "common/contracts.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/rpc_answer.h"
#include "worker/sources/rpc_log.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;
using common::Error;

constexpr std::size_t kMostLogs = 1'000'000;

common::Result<RpcBlock> BlockOf(dom::element result) {
  if (result.is_null()) return RpcTransient("does not know the block");
  const auto number = QuantityOf(result, "number");
  const auto ts = QuantityOf(result, "timestamp");
  const auto hash = common::BlockHash::Parse(TextOf(result, "hash"));
  constexpr std::uint64_t kMostSeconds = std::uint64_t{1} << 40U;
  if (!number || !ts || !hash || *ts > kMostSeconds) return RpcTransient("is no block");
  return RpcBlock{*number, *hash, static_cast<common::UnixSeconds>(*ts)};
}

std::string BlockCall(std::size_t id, const std::string& block) {
  return fmt::format(
      R"({{"jsonrpc":"2.0","id":{},"method":"eth_getBlockByNumber","params":["{}",false]}})", id,
      block);
}

HttpRequest RequestOf(const std::string& url, std::string body) {
  return {.endpoint = Endpoint::kRpc, .url = url, .body = std::move(body)};
}

std::string LogsCall(const RpcLogsQuery& query) {
  std::string addresses;
  for (const common::Contract& contract : common::kContracts) {
    if (contract.kind == common::ContractKind::kOther) continue;
    addresses += fmt::format("{}\"{}\"", addresses.empty() ? "" : ",", contract.address);
  }
  std::string topics = fmt::format(R"(["{}","{}"])", kTopicV1, kTopicV2);
  if (query.maker) {
    topics += fmt::format(R"(,null,"0x{:0>64}")", query.maker->ToString().substr(2));
  }
  return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{{)"
                     R"("fromBlock":"{:#x}","toBlock":"{:#x}","address":[{}],"topics":[{}]}}]}})",
                     query.from, query.to, addresses, topics);
}

// The times of the fills whose blocks came along.
std::optional<Error> FillTimes(RpcLogs& logs) {
  std::unordered_map<std::uint64_t, const RpcBlock*> blocks;
  for (const RpcBlock& block : logs.headers) blocks.emplace(block.number, &block);
  for (RpcFill& fill : logs.fills) {
    const auto found = blocks.find(fill.block);
    if (found == blocks.end()) continue;
    if (found->second->hash != fill.block_hash) return RpcTransient("is of two chains");
    fill.fill.trade.ts = found->second->ts;
  }
  return std::nullopt;
}

}  // namespace

HttpRequest RpcHeadRequest(const std::string& url) {
  return RequestOf(url, BlockCall(1, "latest"));
}

HttpRequest RpcBlockRequest(const std::string& url, std::uint64_t number) {
  return RequestOf(url, BlockCall(1, fmt::format("{:#x}", number)));
}

HttpRequest RpcBlockNumberRequest(const std::string& url) {
  return RequestOf(url, R"({"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]})");
}

HttpRequest RpcLogsRequest(const std::string& url, const RpcLogsQuery& query) {
  if (query.headers.empty()) return RequestOf(url, LogsCall(query));
  std::string body = "[" + LogsCall(query);
  std::size_t id = 1;
  for (const std::uint64_t block : query.headers) {
    body += "," + BlockCall(++id, fmt::format("{:#x}", block));
  }
  return RequestOf(url, body + "]");
}

common::Result<RpcBlock> ReadRpcBlock(const HttpResponse& response) {
  dom::parser parser;
  const auto result = ReadRpcResult(parser, response);
  if (!result) return result.error();
  return BlockOf(*result);
}

common::Result<std::uint64_t> ReadRpcBlockNumber(const HttpResponse& response) {
  dom::parser parser;
  const auto result = ReadRpcResult(parser, response);
  if (!result) return result.error();
  std::string_view text;
  const bool is_text = result->get_string().get(text) == simdjson::SUCCESS;
  const auto number = is_text ? ParseQuantity(text) : std::nullopt;
  if (!number) return RpcTransient("is no block number");
  return *number;
}

common::Result<std::variant<RpcLogs, RpcTooWide>> ReadRpcLogs(const RpcLogsQuery& query,
                                                              const HttpResponse& response) {
  using Logs = std::variant<RpcLogs, RpcTooWide>;
  dom::parser parser;
  auto answer =
      ReadRpcResults(parser, response, 1 + query.headers.size(), query.to - query.from + 1);
  if (!answer) return answer.error();
  if (auto* too_wide = std::get_if<RpcTooWide>(&*answer)) return Logs(std::move(*too_wide));
  const auto& results = std::get<std::vector<dom::element>>(*answer);
  dom::array list;
  if (results.front().get_array().get(list) != simdjson::SUCCESS)
    return RpcTransient("has no logs");
  if (list.size() > kMostLogs) return RpcTransient("has more logs than can be");

  RpcLogs logs;
  if (auto error = ReadRpcLogList(query, list, logs)) return *error;
  for (std::size_t i = 0; i < query.headers.size(); ++i) {
    const auto block = BlockOf(results[i + 1]);
    if (!block) return block.error();
    if (block->number != query.headers[i]) return RpcTransient("has another block");
    logs.headers.push_back(*block);
  }
  if (auto error = FillTimes(logs)) return *error;
  return Logs(std::move(logs));
}

}  // namespace worker::sources
