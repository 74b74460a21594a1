#include "sim/rpc_filter.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sim {
namespace {

using Json = nlohmann::json;
using FilterFailure = std::optional<std::string>;

constexpr std::size_t kAddressAt = 12;  // in a word of 32 bytes
constexpr std::size_t kMostAlternatives = 1000;

FilterFailure ReadTopic(const Json& json, std::vector<Hash32>& alternatives) {
  if (!json.is_string()) return "invalid topic";
  const auto topic = common::TxHash::Parse(json.get_ref<const std::string&>());
  if (!topic) return "invalid topic: hex string has a wrong length, want 64 digits";
  alternatives.push_back(topic->bytes);
  return std::nullopt;
}

FilterFailure ReadTopics(const Json& json, LogFilter& filter) {
  if (!json.is_array() || json.size() > filter.topics.size()) return "invalid topics";
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i].is_null()) continue;
    if (!json[i].is_array()) {
      if (FilterFailure failure = ReadTopic(json[i], filter.topics[i])) return failure;
      continue;
    }
    if (json[i].size() > kMostAlternatives) return "exceed max topics";
    for (const Json& topic : json[i]) {
      if (FilterFailure failure = ReadTopic(topic, filter.topics[i])) return failure;
    }
  }
  return std::nullopt;
}

FilterFailure ReadAddress(const Json& json, LogFilter& filter) {
  if (!json.is_string()) return "invalid address";
  const auto address = common::WalletAddress::Parse(json.get_ref<const std::string&>());
  if (!address) return "invalid address";
  filter.addresses.push_back(*address);
  return std::nullopt;
}

FilterFailure ReadAddresses(const Json& json, LogFilter& filter) {
  if (!json.is_array()) return ReadAddress(json, filter);
  if (json.size() > kMostAlternatives) return "exceed max addresses";
  for (const Json& address : json) {
    if (FilterFailure failure = ReadAddress(address, filter)) return failure;
  }
  return std::nullopt;
}

}  // namespace

std::string Quantity(std::int64_t number) {
  return fmt::format("0x{:x}", number);
}

std::optional<std::int64_t> ParseQuantity(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 3) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + 2, end, number, 16);
  if (read.ec != std::errc{} || read.ptr != end || number < 0) return std::nullopt;
  return number;
}

std::optional<std::int64_t> ParseBlock(const Json& json, std::int64_t head) {
  constexpr std::int64_t kFinalizedBehind = 32;
  if (!json.is_string()) return std::nullopt;
  const std::string& text = json.get_ref<const std::string&>();
  if (text == "latest" || text == "pending") return head;
  if (text == "safe" || text == "finalized")
    return std::max<std::int64_t>(0, head - kFinalizedBehind);
  if (text == "earliest") return 0;
  return ParseQuantity(text);
}

bool LogFilter::WantsAddress(const common::WalletAddress& address) const {
  return addresses.empty() ||
         std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

bool LogFilter::WantsTopic(std::size_t place, const Hash32& topic) const {
  const auto& wanted = topics[place];
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), topic) != wanted.end();
}

std::optional<std::string> ReadLogFilter(const Json& json, std::int64_t head, LogFilter& filter) {
  if (!json.is_object()) return "missing value for required argument 0";
  if (json.contains("blockHash")) return "blockHash is not supported, use fromBlock and toBlock";
  const auto block = [&](const char* name) -> std::optional<std::int64_t> {
    return json.contains(name) ? ParseBlock(json[name], head) : head;
  };
  const auto from = block("fromBlock");
  const auto to = block("toBlock");
  if (!from || !to) return "invalid block number";
  if (*from > *to) return "invalid block range params";
  filter.from_block = *from;
  filter.to_block = *to;
  if (json.contains("address") && !json["address"].is_null()) {
    if (FilterFailure failure = ReadAddresses(json["address"], filter)) return failure;
  }
  if (json.contains("topics") && !json["topics"].is_null()) {
    return ReadTopics(json["topics"], filter);
  }
  return std::nullopt;
}

Hash32 WordOf(const common::WalletAddress& address) {
  Hash32 word{};
  std::copy(address.bytes.begin(), address.bytes.end(), word.begin() + kAddressAt);
  return word;
}

std::optional<common::WalletAddress> AddressOf(const Hash32& topic) {
  const auto address_at = topic.begin() + kAddressAt;
  if (std::any_of(topic.begin(), address_at, [](std::uint8_t byte) { return byte != 0; })) {
    return std::nullopt;
  }
  common::WalletAddress address;
  std::copy(address_at, topic.end(), address.bytes.begin());
  return address;
}

}  // namespace sim
