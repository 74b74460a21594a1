// OrderFilled on the wire. topics: its kind, the order hash, maker, taker. data, in words of 32
// bytes: V1 makerAssetId, takerAssetId, makerAmountFilled, takerAmountFilled, fee; V2 side,
// tokenId, makerAmountFilled, takerAmountFilled, fee, builder, metadata.
#include "worker/sources/rpc_page.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "common/contracts.h"
#include "worker/sources/answer.h"
#include "worker/sources/error_body.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/order_filled.h"
#include "worker/sources/rpc_error.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;
using common::Error;
using common::ErrorKind;
using Word = std::array<std::uint8_t, 32>;

// The Keccak hashes of the two signatures.
constexpr std::string_view kTopicV1 =
    "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
constexpr std::string_view kTopicV2 =
    "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";
constexpr std::size_t kWordsV1 = 5;
constexpr std::size_t kWordsV2 = 7;
constexpr std::size_t kTopics = 4;
using Words = std::array<Word, kWordsV2>;
constexpr std::size_t kMostLogs = 1'000'000;

Error Transient(std::string why) {
  return {ErrorKind::kTransient, "the node's answer " + std::move(why)};
}

Error BadLog(std::string_view field) {
  return {ErrorKind::kMalformed, "a log cannot be read: " + std::string(field)};
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "0x1a", as JSON-RPC writes quantities.
std::optional<std::uint64_t> Quantity(std::string_view text) {
  constexpr std::size_t kLongest = 18;
  if (text.size() < 3 || text.size() > kLongest || !text.starts_with("0x")) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(2)) {
    const int digit = DigitOf(c);
    if (digit < 0) return std::nullopt;
    value = value << 4U | static_cast<std::uint64_t>(digit);
  }
  return value;
}

std::optional<std::uint64_t> QuantityOf(dom::element holder, std::string_view key) {
  std::string_view text;
  if (holder[key].get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return Quantity(text);
}

// The words of a log's data; false where it does not have exactly so many.
bool ReadWords(std::string_view data, std::size_t count, Words& words) {
  constexpr std::size_t kDigits = 64;
  if (data.size() != 2 + count * kDigits || !data.starts_with("0x")) return false;
  for (std::size_t i = 0; i < count * 32; ++i) {
    const int high = DigitOf(data[2 + 2 * i]);
    const int low = DigitOf(data[3 + 2 * i]);
    if (high < 0 || low < 0) return false;
    words[i / 32][i % 32] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool IsZero(const Word& word) {
  return std::all_of(word.begin(), word.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Nothing where no balance can be so large.
std::optional<std::int64_t> AmountOf(const Word& word) {
  constexpr std::size_t kHigh = 24;
  if (!std::all_of(word.begin(), word.begin() + kHigh, [](std::uint8_t b) { return b == 0; })) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (std::size_t i = kHigh; i < word.size(); ++i) value = value << 8U | word[i];
  if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

// An address in a topic has twelve zero bytes in front.
std::optional<common::WalletAddress> AddressOf(std::string_view topic) {
  constexpr std::string_view kPadding = "0x000000000000000000000000";
  if (topic.size() != 66 || !topic.starts_with(kPadding)) return std::nullopt;
  return common::WalletAddress::Parse("0x" + std::string(topic.substr(kPadding.size())));
}

common::Result<common::Trade> DecodeV1(const Words& words, OrderFilled& filled) {
  const auto side = SideOf(IsZero(words[0]), IsZero(words[1]));
  if (!side) return side.error();
  filled.version = common::ExchangeVersion::kV1;
  filled.side = *side;
  filled.token = common::TokenId{words[*side == common::Side::kBuy ? 1 : 0]};
  filled.maker_amount = AmountOf(words[2]);
  filled.taker_amount = AmountOf(words[3]);
  filled.fee = AmountOf(words[4]);
  return TradeOf(filled);
}

common::Result<common::Trade> DecodeV2(const Words& words, OrderFilled& filled) {
  const std::optional<std::int64_t> side = AmountOf(words[0]);
  if (!side || *side > 1) {
    return Error{ErrorKind::kMalformed, "the side is neither BUY nor SELL"};
  }
  filled.version = common::ExchangeVersion::kV2;
  filled.side = *side == 0 ? common::Side::kBuy : common::Side::kSell;
  filled.token = common::TokenId{words[1]};
  filled.maker_amount = AmountOf(words[2]);
  filled.taker_amount = AmountOf(words[3]);
  filled.fee = AmountOf(words[4]);
  return TradeOf(filled);
}

// Reads the logs of one answer and judges them.
class LogReader {
 public:
  LogReader(const RpcLogsQuery& query, RpcLogs& logs) : query_(query), logs_(logs) {}

  std::optional<Error> Read(dom::element log) {
    Place place;
    if (auto error = ReadPlace(log, place)) return error;
    std::array<std::string_view, kTopics> topics;
    if (!ReadTopics(log, topics)) return BadLog("topics");
    const bool is_v1 = topics[0] == kTopicV1;
    if (!is_v1 && topics[0] != kTopicV2) return Transient("has a log that was not asked for");
    const auto maker = AddressOf(topics[2]);
    const auto taker = AddressOf(topics[3]);
    std::string_view data;
    if (!maker) return BadLog("maker");
    if (!taker) return BadLog("taker");
    if (query_.maker && *maker != *query_.maker) {
      return Transient("has a log of " + maker->ToString());
    }
    Words words;
    if (log["data"].get_string().get(data) != simdjson::SUCCESS) return BadLog("data");
    if (!ReadWords(data, is_v1 ? kWordsV1 : kWordsV2, words)) return BadLog("data");
    OrderFilled filled;
    filled.ts = place.ts;
    filled.tx = place.tx;
    filled.taker = *taker;
    auto trade = is_v1 ? DecodeV1(words, filled) : DecodeV2(words, filled);
    if (!trade) {
      Refuse(place, trade.error().message, data);
      return std::nullopt;
    }
    trade->source = common::Source::kRpc;
    trade->event_key = place.log_index;
    trade->log_index = place.log_index;
    logs_.fills.push_back({{*maker, *trade}, place.block, place.block_hash});
    return std::nullopt;
  }

  // Nodes tell logs in order; what matters is that none comes twice.
  std::optional<Error> Finish() {
    std::sort(seen_.begin(), seen_.end());
    if (std::adjacent_find(seen_.begin(), seen_.end()) != seen_.end()) {
      return Transient("has a log twice");
    }
    std::sort(logs_.fills.begin(), logs_.fills.end(), [](const RpcFill& a, const RpcFill& b) {
      return std::pair(a.block, a.fill.trade.event_key) <
             std::pair(b.block, b.fill.trade.event_key);
    });
    return std::nullopt;
  }

 private:
  struct Place {
    std::uint64_t block = 0;
    std::int32_t log_index = 0;
    common::BlockHash block_hash;
    common::TxHash tx;
    common::UnixSeconds ts = 0;
  };

  std::optional<Error> ReadPlace(dom::element log, Place& place) {
    bool is_removed = false;
    if (log["removed"].get_bool().get(is_removed) == simdjson::SUCCESS && is_removed) {
      return Transient("has a log of a block that was taken back");
    }
    const auto address = common::WalletAddress::Parse(TextOf(log, "address"));
    const auto block = QuantityOf(log, "blockNumber");
    const auto index = QuantityOf(log, "logIndex");
    const auto tx = common::TxHash::Parse(TextOf(log, "transactionHash"));
    const auto hash = common::BlockHash::Parse(TextOf(log, "blockHash"));
    constexpr std::uint64_t kMostIndex = std::numeric_limits<std::int32_t>::max();
    if (!address) return BadLog("address");
    if (!block) return BadLog("blockNumber");
    if (!index || *index > kMostIndex) return BadLog("logIndex");
    if (!tx) return BadLog("transactionHash");
    if (!hash) return BadLog("blockHash");
    if (!common::IsExchange(*address) || *block < query_.from || *block > query_.to) {
      return Transient("has a log that was not asked for");
    }
    const auto ts = QuantityOf(log, "blockTimestamp").value_or(0);
    place = {*block, static_cast<std::int32_t>(*index), *hash, *tx,
             static_cast<common::UnixSeconds>(std::min<std::uint64_t>(ts, kMostIndex * 2))};
    seen_.emplace_back(*block, *index);
    return std::nullopt;
  }

  static bool ReadTopics(dom::element log, std::array<std::string_view, kTopics>& topics) {
    dom::array list;
    if (log["topics"].get_array().get(list) != simdjson::SUCCESS) return false;
    std::size_t count = 0;
    for (const dom::element topic : list) {
      if (count == kTopics) return false;
      if (topic.get_string().get(topics[count++]) != simdjson::SUCCESS) return false;
    }
    return count == kTopics;
  }

  void Refuse(const Place& place, const std::string& why, std::string_view data) {
    logs_.refused.push_back(fmt::format("log {} of block {} in {}: {} ({})", place.log_index,
                                        place.block, place.tx.ToString(), why, Evidence(data)));
    const bool is_first = logs_.first_refused == 0 || place.block < logs_.first_refused;
    if (is_first) logs_.first_refused = place.block;
  }

  const RpcLogsQuery& query_;
  RpcLogs& logs_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;
};

common::Result<RpcBlock> BlockOf(dom::element result) {
  if (result.is_null()) return Transient("does not know the block");
  const auto number = QuantityOf(result, "number");
  const auto ts = QuantityOf(result, "timestamp");
  const auto hash = common::BlockHash::Parse(TextOf(result, "hash"));
  constexpr std::uint64_t kMostSeconds = std::uint64_t{1} << 40U;
  if (!number || !ts || !hash || *ts > kMostSeconds) return Transient("is no block");
  return RpcBlock{*number, *hash, static_cast<common::UnixSeconds>(*ts)};
}

using Answer = std::variant<std::vector<dom::element>, RpcTooWide>;

// What `error` of an answer says.
common::Result<Answer> Refusal(dom::element error, std::uint64_t blocks) {
  std::int64_t code = 0;
  if (error["code"].get_int64().get(code) != simdjson::SUCCESS) code = 0;
  std::string message = TextOf(error, "message");
  std::string_view text;
  if (message.empty() && error.get_string().get(text) == simdjson::SUCCESS) message = text;
  auto judged = JudgeRpcError(code, message, blocks);
  if (auto* told = std::get_if<Error>(&judged)) return std::move(*told);
  return Answer(std::get<RpcTooWide>(std::move(judged)));
}

// The results of the calls 1..count, whatever the order in which they came. `blocks` is how many
// were asked for.
common::Result<Answer> Results(dom::parser& parser, const HttpResponse& response, std::size_t count,
                               std::uint64_t blocks) {
  constexpr int kOk = 200;
  constexpr int kUnauthorized = 401;
  constexpr int kForbidden = 403;
  constexpr int kTooManyRequests = 429;
  constexpr int kTooLarge = 413;
  const auto failure = FailureOf(response);
  const bool is_plain = response.status == 0 || response.status == kTooManyRequests ||
                        response.status == kUnauthorized || response.status == kForbidden;
  if (is_plain) return *failure;
  dom::element document;
  const auto code = parser.parse(response.body.data(), response.body.size()).get(document);
  if (code != simdjson::SUCCESS || (!document.is_array() && !document.is_object())) {
    const bool is_too_wide = response.status == kTooLarge && blocks > 1;
    if (is_too_wide) return Answer(RpcTooWide{0, false, failure->message});
    return failure
               ? *failure
               : Transient(std::string("is no complete JSON: ") + simdjson::error_message(code));
  }
  std::vector<dom::element> calls;
  dom::array batch;
  if (document.get_array().get(batch) == simdjson::SUCCESS) {
    for (const dom::element call : batch) calls.push_back(call);
  } else {
    calls.push_back(document);
  }
  for (const dom::element call : calls) {
    dom::element error;
    if (call["error"].get(error) == simdjson::SUCCESS && !error.is_null()) {
      return Refusal(error, blocks);
    }
  }
  if (response.status != kOk) return *failure;
  std::vector<dom::element> results(count);
  std::vector<bool> has(count, false);
  for (const dom::element call : calls) {
    std::uint64_t id = 0;
    dom::element result;
    if (call["id"].get_uint64().get(id) != simdjson::SUCCESS || id == 0 || id > count ||
        call["result"].get(result) != simdjson::SUCCESS || has[id - 1]) {
      return Transient("is none to what was asked");
    }
    results[id - 1] = result;
    has[id - 1] = true;
  }
  if (std::find(has.begin(), has.end(), false) != has.end()) return Transient("is not whole");
  return Answer(std::move(results));
}

// For calls that have no range.
common::Result<dom::element> OnlyResult(dom::parser& parser, const HttpResponse& response) {
  auto answer = Results(parser, response, 1, 1);
  if (!answer) return answer.error();
  return std::get<std::vector<dom::element>>(*answer).front();
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
    if (found->second->hash != fill.block_hash) return Transient("is of two chains");
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
  const auto result = OnlyResult(parser, response);
  if (!result) return result.error();
  return BlockOf(*result);
}

common::Result<std::uint64_t> ReadRpcBlockNumber(const HttpResponse& response) {
  dom::parser parser;
  const auto result = OnlyResult(parser, response);
  if (!result) return result.error();
  std::string_view text;
  const bool is_text = result->get_string().get(text) == simdjson::SUCCESS;
  const auto number = is_text ? Quantity(text) : std::nullopt;
  if (!number) return Transient("is no block number");
  return *number;
}

common::Result<std::variant<RpcLogs, RpcTooWide>> ReadRpcLogs(const RpcLogsQuery& query,
                                                              const HttpResponse& response) {
  using Logs = std::variant<RpcLogs, RpcTooWide>;
  dom::parser parser;
  auto answer = Results(parser, response, 1 + query.headers.size(), query.to - query.from + 1);
  if (!answer) return answer.error();
  if (auto* too_wide = std::get_if<RpcTooWide>(&*answer)) return Logs(std::move(*too_wide));
  const auto& results = std::get<std::vector<dom::element>>(*answer);
  dom::array list;
  if (results.front().get_array().get(list) != simdjson::SUCCESS) return Transient("has no logs");
  if (list.size() > kMostLogs) return Transient("has more logs than can be");

  RpcLogs logs;
  LogReader reader(query, logs);
  for (const dom::element log : list) {
    if (auto error = reader.Read(log)) return *error;
  }
  if (auto error = reader.Finish()) return *error;
  for (std::size_t i = 0; i < query.headers.size(); ++i) {
    const auto block = BlockOf(results[i + 1]);
    if (!block) return block.error();
    if (block->number != query.headers[i]) return Transient("has another block");
    logs.headers.push_back(*block);
  }
  if (auto error = FillTimes(logs)) return *error;
  return Logs(std::move(logs));
}

}  // namespace worker::sources
