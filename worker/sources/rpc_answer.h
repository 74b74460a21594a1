// What a node answers to a call or to a batch of calls, before anybody looks at the results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "worker/http.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/rpc_page.h"

namespace worker::sources {

// "the node's answer <why>".
common::Error RpcTransient(std::string why);

// "0x1a", as JSON-RPC writes quantities.
std::optional<std::uint64_t> ParseQuantity(std::string_view text);
std::optional<std::uint64_t> QuantityOf(simdjson::dom::element holder, std::string_view key);

using RpcResults = std::variant<std::vector<simdjson::dom::element>, RpcTooWide>;

// The results of the calls 1..count, whatever the order in which they came. `blocks` is how many
// were asked for. They live as long as the parser.
common::Result<RpcResults> ReadRpcResults(simdjson::dom::parser& parser,
                                          const HttpResponse& response, std::size_t count,
                                          std::uint64_t blocks);

// For one call, that has no range.
common::Result<simdjson::dom::element> ReadRpcResult(simdjson::dom::parser& parser,
                                                     const HttpResponse& response);

}  // namespace worker::sources
