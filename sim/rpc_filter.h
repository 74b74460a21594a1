// The filter of eth_getLogs: blocks, addresses and topics.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "common/ids.h"
#include "sim/world.h"

namespace sim {

// Numbers are written as "0x1b4", without leading zeros.
std::string Quantity(std::int64_t number);
std::optional<std::int64_t> ParseQuantity(std::string_view text);
// "latest", "0x1b4" and their like. Nothing for what is no block.
std::optional<std::int64_t> ParseBlock(const nlohmann::json& json, std::int64_t head);

struct LogFilter {
  std::int64_t from_block = 0;
  std::int64_t to_block = 0;
  std::vector<common::WalletAddress> addresses;  // none: any
  // For each place the alternatives; none: any.
  std::array<std::vector<Hash32>, 4> topics;

  bool WantsAddress(const common::WalletAddress& address) const;
  bool WantsTopic(std::size_t place, const Hash32& topic) const;
};

// Fills in the filter or returns what is wrong with it.
std::optional<std::string> ReadLogFilter(const nlohmann::json& json, std::int64_t head,
                                         LogFilter& filter);

// An address as a topic or a word of a log.
Hash32 WordOf(const common::WalletAddress& address);
// The address that a topic holds, if it can be one.
std::optional<common::WalletAddress> AddressOf(const Hash32& topic);

}  // namespace sim
