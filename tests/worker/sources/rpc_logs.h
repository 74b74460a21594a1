// OrderFilled logs as a node writes them, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/ids.h"
#include "tests/worker/sources/known_ids.h"
#include "worker/http.h"

namespace worker::sources {

struct TestLog {
  std::string address = kNegRisk;
  std::uint64_t block = 62564883;
  int index = 16;
  std::string tx = fmt::format("0x{:064x}", 1);
  std::string order = fmt::format("0x{:064x}", 2);
  std::string maker = "0x8119010a6e589062aa03583bb3f39ca632d9f887";
  std::string taker = "0x75c18b1076ce7eb8ab4dd7578f4e6edc4692fc78";
  bool is_v2 = false;
  std::vector<std::string> words;  // decimal: what the version has, without builder and metadata
  bool removed = false;
  std::uint64_t time = 0;  // 0: this node does not tell
  std::uint64_t chain = 1;
};

inline std::string BlockHashText(std::uint64_t block, std::uint64_t chain = 1) {
  return fmt::format("0x{:032x}{:032x}", chain, block);
}

inline std::string WordOf(const std::string& decimal) {
  common::ConditionId word{common::TokenId::ParseDecimal(decimal)->bytes};
  return word.ToString().substr(2);
}

inline std::string LogText(const TestLog& log) {
  std::string data = "0x";
  for (const std::string& word : log.words) data += WordOf(word);
  if (log.is_v2) data += std::string(128, '0');
  const char* const topic =
      log.is_v2 ? "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"
                : "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
  return fmt::format(R"({{"address":"{}","topics":["{}","{}","0x{:0>64}","0x{:0>64}"],"data":"{}",)"
                     R"("blockNumber":"{:#x}","transactionHash":"{}","transactionIndex":"0x1",)"
                     R"("blockHash":"{}","logIndex":"{:#x}","removed":{}{}}})",
                     log.address, topic, log.order, log.maker.substr(2), log.taker.substr(2), data,
                     log.block, log.tx, BlockHashText(log.block, log.chain), log.index, log.removed,
                     log.time == 0 ? "" : fmt::format(R"(,"blockTimestamp":"{:#x}")", log.time));
}

inline std::string BlockText(std::uint64_t number, std::uint64_t time, std::uint64_t chain = 1) {
  return fmt::format(R"({{"number":"{:#x}","hash":"{}","timestamp":"{:#x}"}})", number,
                     BlockHashText(number, chain), time);
}

inline std::string ResultText(int id, const std::string& result) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id, result);
}

inline std::string LogsResult(const std::vector<TestLog>& logs) {
  std::string list;
  for (const TestLog& log : logs) list += (list.empty() ? "" : ",") + LogText(log);
  return ResultText(1, "[" + list + "]");
}

inline HttpResponse Response(std::string body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace worker::sources
