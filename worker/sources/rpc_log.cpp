// OrderFilled on the wire. topics: its kind, the order hash, maker, taker. data, in words of 32
// bytes: V1 makerAssetId, takerAssetId, makerAmountFilled, takerAmountFilled, fee; V2 side,
// tokenId, makerAmountFilled, takerAmountFilled, fee, builder, metadata.
#include "worker/sources/rpc_log.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/contracts.h"
#include "common/hex.h"
#include "worker/sources/error_body.h"
#include "worker/sources/order_filled.h"
#include "worker/sources/rpc_answer.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;
using common::Error;
using common::ErrorKind;
using Word = std::array<std::uint8_t, 32>;

constexpr std::size_t kWordsV1 = 5;
constexpr std::size_t kWordsV2 = 7;
constexpr std::size_t kTopics = 4;
using Words = std::array<Word, kWordsV2>;

Error BadLog(std::string_view field) {
  return {ErrorKind::kMalformed, "a log cannot be read: " + std::string(field)};
}

// The words of a log's data; false where it does not have exactly so many.
bool ReadWords(std::string_view data, std::size_t count, Words& words) {
  constexpr std::size_t kDigits = 64;
  if (data.size() != 2 + count * kDigits || !data.starts_with("0x")) return false;
  data.remove_prefix(2);
  for (std::size_t i = 0; i < count; ++i) {
    if (!common::ReadHex(data.substr(i * kDigits, kDigits), words[i].data())) return false;
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
  common::WalletAddress address;
  if (!common::ReadHex(topic.substr(kPadding.size()), address.bytes.data())) return std::nullopt;
  return address;
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
    if (!is_v1 && topics[0] != kTopicV2) return RpcTransient("has a log that was not asked for");
    const auto maker = AddressOf(topics[2]);
    const auto taker = AddressOf(topics[3]);
    std::string_view data;
    if (!maker) return BadLog("maker");
    if (!taker) return BadLog("taker");
    if (query_.maker && *maker != *query_.maker) {
      return RpcTransient("has a log of " + maker->ToString());
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
      Refuse(place, *maker, trade.error().message, data);
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
      return RpcTransient("has a log twice");
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
      return RpcTransient("has a log of a block that was taken back");
    }
    const auto address = common::WalletAddress::Parse(ViewOf(log, "address"));
    const auto block = QuantityOf(log, "blockNumber");
    const auto index = QuantityOf(log, "logIndex");
    const auto tx = common::TxHash::Parse(ViewOf(log, "transactionHash"));
    const auto hash = common::BlockHash::Parse(ViewOf(log, "blockHash"));
    constexpr std::uint64_t kMostIndex = std::numeric_limits<std::int32_t>::max();
    if (!address) return BadLog("address");
    if (!block) return BadLog("blockNumber");
    if (!index || *index > kMostIndex) return BadLog("logIndex");
    if (!tx) return BadLog("transactionHash");
    if (!hash) return BadLog("blockHash");
    if (!common::IsExchange(*address) || *block < query_.from || *block > query_.to) {
      return RpcTransient("has a log that was not asked for");
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

  void Refuse(const Place& place, const common::WalletAddress& maker, const std::string& why,
              std::string_view data) {
    logs_.refused_of.push_back(maker);
    logs_.refused.push_back(fmt::format("log {} of block {} in {}: {} ({})", place.log_index,
                                        place.block, place.tx.ToString(), why, Evidence(data)));
    const bool is_first = logs_.first_refused == 0 || place.block < logs_.first_refused;
    if (is_first) logs_.first_refused = place.block;
  }

  const RpcLogsQuery& query_;
  RpcLogs& logs_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;
};

}  // namespace

std::optional<Error> ReadRpcLogList(const RpcLogsQuery& query, dom::array list, RpcLogs& logs) {
  LogReader reader(query, logs);
  for (const dom::element log : list) {
    if (auto error = reader.Read(log)) return error;
  }
  return reader.Finish();
}

}  // namespace worker::sources
