#include "worker/sources/rpc_answer.h"

#include <algorithm>
#include <utility>

#include "common/hex.h"
#include "worker/sources/answer.h"
#include "worker/sources/error_body.h"
#include "worker/sources/rpc_error.h"

namespace worker::sources {
namespace {

namespace dom = simdjson::dom;
using common::Error;
using common::ErrorKind;

// What `error` of an answer says.
common::Result<RpcResults> Refusal(dom::element error, std::uint64_t blocks) {
  std::int64_t code = 0;
  if (error["code"].get_int64().get(code) != simdjson::SUCCESS) code = 0;
  std::string message = TextOf(error, "message");
  std::string_view text;
  if (message.empty() && error.get_string().get(text) == simdjson::SUCCESS) message = text;
  auto judged = JudgeRpcError(code, message, blocks);
  if (auto* told = std::get_if<Error>(&judged)) return std::move(*told);
  return RpcResults(std::get<RpcTooWide>(std::move(judged)));
}

}  // namespace

Error RpcTransient(std::string why) {
  return {ErrorKind::kTransient, "the node's answer " + std::move(why)};
}

std::optional<std::uint64_t> ParseQuantity(std::string_view text) {
  constexpr std::size_t kLongest = 18;
  if (text.size() < 3 || text.size() > kLongest || !text.starts_with("0x")) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(2)) {
    const std::uint8_t digit = common::HexValue(c);
    if (digit == common::kNoHexDigit) return std::nullopt;
    value = value << 4U | digit;
  }
  return value;
}

std::optional<std::uint64_t> QuantityOf(dom::element holder, std::string_view key) {
  std::string_view text;
  if (holder[key].get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
  return ParseQuantity(text);
}

common::Result<RpcResults> ReadRpcResults(dom::parser& parser, const HttpResponse& response,
                                          std::size_t count, std::uint64_t blocks) {
  constexpr int kUnauthorized = 401;
  constexpr int kForbidden = 403;
  constexpr int kTooLarge = 413;
  const auto failure = FailureOf(response);
  const bool is_plain = response.status == 0 || response.status == kHttpTooManyRequests ||
                        response.status == kUnauthorized || response.status == kForbidden;
  if (response.too_large && blocks > 1) return RpcResults(RpcTooWide{0, false, failure->message});
  if (is_plain) return *failure;
  dom::element document;
  const auto code = parser.parse(response.body.data(), response.body.size()).get(document);
  if (code != simdjson::SUCCESS || (!document.is_array() && !document.is_object())) {
    const bool is_too_wide = response.status == kTooLarge && blocks > 1;
    if (is_too_wide) return RpcResults(RpcTooWide{0, false, failure->message});
    return failure
               ? *failure
               : RpcTransient(std::string("is no complete JSON: ") + simdjson::error_message(code));
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
  if (response.status != kHttpOk) return *failure;
  std::vector<dom::element> results(count);
  std::vector<bool> has(count, false);
  for (const dom::element call : calls) {
    std::uint64_t id = 0;
    dom::element result;
    if (call["id"].get_uint64().get(id) != simdjson::SUCCESS || id == 0 || id > count ||
        call["result"].get(result) != simdjson::SUCCESS || has[id - 1]) {
      return RpcTransient("is none to what was asked");
    }
    results[id - 1] = result;
    has[id - 1] = true;
  }
  if (std::find(has.begin(), has.end(), false) != has.end()) return RpcTransient("is not whole");
  return RpcResults(std::move(results));
}

common::Result<dom::element> ReadRpcResult(dom::parser& parser, const HttpResponse& response) {
  auto answer = ReadRpcResults(parser, response, 1, 1);
  if (!answer) return answer.error();
  return std::get<std::vector<dom::element>>(*answer).front();
}

}  // namespace worker::sources
