// OrderFilled logs: which ones to ask for, and what they say.
#pragma once

#include <optional>
#include <string_view>

#include "common/error.h"
#include "worker/sources/json_dom.h"
#include "worker/sources/rpc_page.h"

namespace worker::sources {

// The Keccak hashes of the two signatures.
inline constexpr std::string_view kTopicV1 =
    "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
inline constexpr std::string_view kTopicV2 =
    "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";

// Reads the logs of one answer into `logs`, in the order of the chain. Errors as of ReadRpcLogs.
std::optional<common::Error> ReadRpcLogList(const RpcLogsQuery& query, simdjson::dom::array list,
                                            RpcLogs& logs);

}  // namespace worker::sources
