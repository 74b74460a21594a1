// What a node's refusal means. Every provider has words and codes of its own.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "common/error.h"
#include "worker/sources/rpc_page.h"

namespace worker::sources {

// `blocks` is how many were asked for.
std::variant<common::Error, RpcTooWide> JudgeRpcError(std::int64_t code, std::string_view message,
                                                      std::uint64_t blocks);

}  // namespace worker::sources
