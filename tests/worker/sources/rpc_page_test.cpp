#include "worker/sources/rpc_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/worker/sources/known_ids.h"
#include "tests/worker/sources/recorded.h"
#include "tests/worker/sources/rpc_logs.h"
#include "worker/sources/rpc_error.h"

namespace worker::sources {
namespace {

using common::ErrorKind;
using testing::HasSubstr;
using testing::Not;
using LogsAnswer = common::Result<std::variant<RpcLogs, RpcTooWide>>;

constexpr char kYes[] =
    "21742633143463906290569050155826241533067272736897614950488156847949938836455";
constexpr char kNo[] =
    "48331043336612883890938759509493159234755048973500640148014422747788308965732";

const RpcLogsQuery kQuery{.from = 62564800, .to = 62564899, .maker = {}};

RpcLogs Logs(const std::vector<TestLog>& logs, const RpcLogsQuery& query = kQuery) {
  auto answer = ReadRpcLogs(query, Response(LogsResult(logs)));
  EXPECT_TRUE(answer) << answer.error().message;
  if (!answer) return {};
  return std::get<RpcLogs>(*answer);
}

ErrorKind KindOf(const LogsAnswer& answer) {
  EXPECT_FALSE(answer);
  return answer ? ErrorKind::kMalformed : answer.error().kind;
}

TestLog WithWords(std::vector<std::string> words) {
  TestLog log;
  log.words = std::move(words);
  return log;
}

TEST(RpcPageTest, AsksEveryExchangeForBothVersions) {
  const std::string body = RpcLogsRequest("http://node", kQuery).body;
  EXPECT_THAT(body, HasSubstr(R"("fromBlock":"0x3baa9c0","toBlock":"0x3baaa23")"));
  for (const char* part :
       {"0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e", kNegRisk,
        "0xe111180000d2663c0091e4f400237545b87b996b", "0xe2222d279d744050d28e00520010520000310f59",
        "0xe3333700ca9d93003f00f0f71f8515005f6c00aa", "0xd0a08e8c", "0xd543adfd"}) {
    EXPECT_THAT(body, HasSubstr(part));
  }
  EXPECT_THAT(body, Not(HasSubstr("0x4d97dcd97ec945f40cf65f87097ace5ea0476045")));
}

TEST(RpcPageTest, AWalletIsAskedForByTheMakersTopic) {
  RpcLogsQuery query = kQuery;
  query.maker = common::WalletAddress::Parse(TestLog{}.maker);
  EXPECT_THAT(RpcLogsRequest("http://node", query).body,
              HasSubstr(R"(],null,"0x0000000000000000000000008119010a6e589062aa03583bb3f39ca6)"));
  TestLog log = WithWords({"0", kYes, "1", "2", "0"});
  EXPECT_EQ(Logs({log}, query).fills.size(), 1U);
  log.maker = TestLog{}.taker;
  EXPECT_EQ(KindOf(ReadRpcLogs(query, Response(LogsResult({log})))), ErrorKind::kTransient);
}

TEST(RpcPageTest, AComplementaryMatchIsTwoTrades) {
  TestLog maker = WithWords({"0", kYes, "2326895910", "4719870000", "0"});
  TestLog taker = WithWords({kYes, "0", "4719870000", "2326895910", "0"});
  taker.index = 18;
  taker.maker = maker.taker;
  taker.taker = kNegRisk;
  const RpcLogs logs = Logs({maker, taker});
  ASSERT_EQ(logs.fills.size(), 2U);
  const common::Trade& bought = logs.fills[0].fill.trade;
  EXPECT_EQ(logs.fills[0].fill.wallet.ToString(), maker.maker);
  EXPECT_EQ(bought.side, common::Side::kBuy);
  EXPECT_EQ(bought.usdc, 2'326'895'910);
  EXPECT_EQ(bought.size, 4'719'870'000);
  EXPECT_EQ(bought.role, common::Role::kMaker);
  EXPECT_EQ(bought.version, common::ExchangeVersion::kV1);
  EXPECT_EQ(bought.source, common::Source::kRpc);
  EXPECT_EQ(bought.token.ToDecimal(), kYes);
  EXPECT_EQ(bought.event_key, 16);
  EXPECT_EQ(bought.log_index, 16);
  const common::Trade& sold = logs.fills[1].fill.trade;
  EXPECT_EQ(logs.fills[1].fill.wallet.ToString(), maker.taker);
  EXPECT_EQ(sold.side, common::Side::kSell);
  EXPECT_EQ(sold.usdc, 2'326'895'910);
  EXPECT_EQ(sold.role, common::Role::kTaker);
}

TEST(RpcPageTest, AMintIsTwoPurchasesOfTwoTokens) {
  TestLog maker = WithWords({"0", kYes, "198755818", "403155817", "0"});
  TestLog taker = WithWords({"0", kNo, "204399999", "403155817", "0"});
  maker.index = 52;
  taker.index = 54;
  taker.taker = kNegRisk;
  const RpcLogs logs = Logs({maker, taker});
  ASSERT_EQ(logs.fills.size(), 2U);
  std::int64_t usdc = 0;
  for (const RpcFill& fill : logs.fills) {
    EXPECT_EQ(fill.fill.trade.side, common::Side::kBuy);
    usdc += fill.fill.trade.usdc;
  }
  EXPECT_EQ(usdc, 403'155'817);
  EXPECT_EQ(logs.fills[1].fill.trade.token.ToDecimal(), kNo);
  EXPECT_EQ(logs.fills[1].fill.trade.role, common::Role::kTaker);
}

TEST(RpcPageTest, AVersion2EventHasSideAndFee) {
  TestLog log = WithWords(
      {"0", "7513960599313508175221406531566208571173568115476583808543905304236680112729",
       "8000000", "10000000", "115200"});
  log.is_v2 = true;
  log.address = log.taker = "0xe111180000d2663c0091e4f400237545b87b996b";
  const common::Trade bought = Logs({log}).fills.at(0).fill.trade;
  EXPECT_EQ(bought.side, common::Side::kBuy);
  EXPECT_EQ(bought.usdc, 8'000'000);
  EXPECT_EQ(bought.size, 10'000'000);
  EXPECT_EQ(bought.fee, 115'200);
  EXPECT_EQ(bought.role, common::Role::kTaker);
  EXPECT_EQ(bought.version, common::ExchangeVersion::kV2);
  log.words[0] = "1";
  EXPECT_EQ(Logs({log}).fills.at(0).fill.trade.size, 8'000'000);
  log.words[0] = "2";
  EXPECT_EQ(Logs({log}).refused.size(), 1U);
}

TEST(RpcPageTest, EveryRecordedEventIsItsMakersTrade) {
  const auto text = Recorded("onchain/orderfilled_v1_real_sample.jsonl");
  if (!text) GTEST_SKIP() << "no recorded data";
  simdjson::dom::parser parser;
  simdjson::padded_string padded(*text);
  std::vector<TestLog> wanted;
  for (auto row : parser.parse_many(padded)) {
    const auto get = [&row](const char* key) {
      return std::string(std::string_view(row[key].get_string()));
    };
    TestLog log = WithWords({get("maker_asset_id"), get("taker_asset_id"),
                             get("maker_amount_filled"), get("taker_amount_filled"), get("fee")});
    log.block = row["block_number"].get_uint64();
    log.index = static_cast<int>(row["log_index"].get_int64());
    log.tx = get("transaction_hash");
    log.order = get("order_hash");
    log.maker = get("maker");
    log.taker = get("taker");
    wanted.push_back(log);
  }
  const RpcLogs logs = Logs(wanted, {.from = 1, .to = 90'000'000, .maker = {}});
  ASSERT_EQ(logs.fills.size(), 17U);
  EXPECT_TRUE(logs.refused.empty());
  EXPECT_EQ(logs.fills[0].fill.wallet, logs.fills[0].fill.wallet);
  EXPECT_NE(logs.fills[0].fill.trade.side, logs.fills[1].fill.trade.side);  // with itself
  for (const RpcFill& fill : logs.fills) EXPECT_GT(fill.fill.trade.size, 0);
}

TEST(RpcPageTest, EventsThatAreNoTradeAreRefused) {
  const std::string huge = "9223372036854775808";
  for (const auto& words : std::vector<std::vector<std::string>>{{"0", "0", "1", "1", "0"},
                                                                 {kYes, kNo, "1", "1", "0"},
                                                                 {"0", kYes, "1", "0", "0"},
                                                                 {"0", kYes, huge, "1", "0"}}) {
    const RpcLogs logs = Logs({WithWords(words)});
    EXPECT_TRUE(logs.fills.empty());
    ASSERT_EQ(logs.refused.size(), 1U);
    EXPECT_THAT(logs.refused[0], HasSubstr("log 16 of block 62564883"));
    EXPECT_EQ(logs.first_refused, 62564883U);
  }
}

TEST(RpcPageTest, LogsThatCannotBeReadAreMalformed) {
  EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response(LogsResult({WithWords({"0", kYes})})))),
            ErrorKind::kMalformed);
  TestLog log = WithWords({"0", kYes, "1", "1", "0"});
  log.tx = "0x12";
  EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response(LogsResult({log})))), ErrorKind::kMalformed);
}

TEST(RpcPageTest, LogsOutOfPlaceAreAskedForAgain) {
  const TestLog good = WithWords({"0", kYes, "1", "1", "0"});
  TestLog removed = good;
  removed.removed = true;
  TestLog late = good;
  late.block = kQuery.to + 1;
  TestLog strange = good;
  strange.address = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045";
  for (const auto& logs :
       std::vector<std::vector<TestLog>>{{removed}, {late}, {strange}, {good, good}}) {
    EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response(LogsResult(logs)))), ErrorKind::kTransient);
  }
}

TEST(RpcPageTest, LogsMayComeInAnyOrder) {
  TestLog late = WithWords({"0", kYes, "1", "1", "0"});
  TestLog early = late;
  early.block -= 1;
  early.index = 99;
  const RpcLogs logs = Logs({late, early});
  EXPECT_EQ(logs.fills[0].block, early.block);
}

TEST(RpcPageTest, TimesComeFromTheBlocksOrTheLogs) {
  TestLog log = WithWords({"0", kYes, "1", "1", "0"});
  RpcLogsQuery query = kQuery;
  query.headers = {log.block};
  EXPECT_THAT(RpcLogsRequest("http://node", query).body, HasSubstr("eth_getBlockByNumber"));
  const auto read = [&](std::uint64_t chain) {
    return ReadRpcLogs(query, Response("[" + ResultText(2, BlockText(log.block, 1700, chain)) +
                                       "," + LogsResult({log}) + "]"));
  };
  const LogsAnswer both = read(1);
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(std::get<RpcLogs>(*both).fills.at(0).fill.trade.ts, 1700);
  EXPECT_EQ(KindOf(read(2)), ErrorKind::kTransient);  // reorganised between the two
  log.time = 1800;
  EXPECT_EQ(Logs({log}).fills.at(0).fill.trade.ts, 1800);
}

TEST(RpcPageTest, WhatIsNoAnswerIsAFailure) {
  for (const char* body :
       {"", "<html>", "[]", "{}", "7", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":2,"result":[]})", R"({"jsonrpc":"2.0","id":1,"result":null})",
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"header not found"}})"}) {
    EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response(body))), ErrorKind::kTransient) << body;
  }
  EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response("slow down", 429))), ErrorKind::kThrottled);
  EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response("", 0))), ErrorKind::kTransient);
  EXPECT_EQ(KindOf(ReadRpcLogs(kQuery, Response(R"({"error":"no key"})", 401))),
            ErrorKind::kRejected);
  RpcLogsQuery query = kQuery;
  query.headers = {kQuery.to};
  EXPECT_EQ(KindOf(ReadRpcLogs(query, Response(LogsResult({})))), ErrorKind::kTransient);
  EXPECT_EQ(KindOf(ReadRpcLogs(query,
                               Response("[" + LogsResult({}) + "," + ResultText(2, "null") + "]"))),
            ErrorKind::kTransient);
}

TEST(RpcPageTest, ReadsBlocksAndTheirNumber) {
  const auto block = ReadRpcBlock(Response(ResultText(1, BlockText(86161976, 1777443996))));
  ASSERT_TRUE(block) << block.error().message;
  EXPECT_EQ(block->number, 86161976U);
  EXPECT_EQ(block->ts, 1777443996);
  EXPECT_FALSE(ReadRpcBlock(Response(ResultText(1, "null"))));
  EXPECT_EQ(*ReadRpcBlockNumber(Response(ResultText(1, R"("0x1a")"))), 26U);
  for (const char* text : {"7", R"("0x")", R"("26")", R"("0xg")", R"("0x10000000000000000")"}) {
    EXPECT_FALSE(ReadRpcBlockNumber(Response(ResultText(1, text)))) << text;
  }
  EXPECT_THAT(RpcHeadRequest("http://node").body, HasSubstr("latest"));
  EXPECT_THAT(RpcBlockRequest("http://node", 26).body, HasSubstr(R"(["0x1a",false])"));
}

struct Refusal {
  int code;
  const char* message;
  std::uint64_t most_blocks;
  bool is_cap;
};

TEST(RpcErrorTest, ProvidersCapsAreUnderstood) {
  for (const Refusal& refusal : std::vector<Refusal>{
           {-32005, "query returned more than 10000 results", 0, false},
           {-32602, "Log response size exceeded. this block range should work: [0x10, 0x1f]", 16,
            false},
           {-32000, "Block range is too large", 0, true},
           {-32614, "eth_getLogs is limited to a 1,000 range", 1000, true},
           {-32600, "exceed maximum block range: 2000", 2000, true},
           {-32000, "block range limit exceeded. Maximum allowed: 3k blocks", 3000, true},
           {-32701, "please limit the query to at most 500 blocks, range too large", 500, true},
           {-32602, "invalid params", 0, false}}) {
    const auto judged = JudgeRpcError(refusal.code, refusal.message, 8192);
    const auto* too_wide = std::get_if<RpcTooWide>(&judged);
    ASSERT_NE(too_wide, nullptr) << refusal.message;
    EXPECT_EQ(too_wide->most_blocks, refusal.most_blocks) << refusal.message;
    EXPECT_EQ(too_wide->is_cap, refusal.is_cap) << refusal.message;
  }
}

TEST(RpcErrorTest, OtherRefusalsAreNone) {
  const auto kind = [](int code, const char* message, std::uint64_t blocks = 100) {
    return std::get<common::Error>(JudgeRpcError(code, message, blocks)).kind;
  };
  EXPECT_EQ(kind(-32005, "daily request count exceeded, request rate limited"),
            ErrorKind::kThrottled);
  EXPECT_EQ(kind(429, "no"), ErrorKind::kThrottled);
  EXPECT_EQ(kind(-32000, "header not found"), ErrorKind::kTransient);
  EXPECT_EQ(kind(-32000, "block range extends beyond current head block"), ErrorKind::kTransient);
  EXPECT_EQ(kind(-32601, "the method does not exist"), ErrorKind::kRejected);
  EXPECT_EQ(kind(-32005, "query returned more than 10000 results", 1), ErrorKind::kRejected);
}

TEST(RpcErrorTest, ARefusalWithAStatusOf400IsAnAnswer) {
  const auto answer = ReadRpcLogs(
      kQuery,
      Response(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"too wide"}})", 400));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(std::holds_alternative<RpcTooWide>(*answer));
}

}  // namespace
}  // namespace worker::sources
