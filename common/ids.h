// Strong types for everything that is named by a number or a hash.
//
// An id of one kind cannot be passed for another. Hashes and addresses are kept as bytes,
// big-endian as on chain; text is lower-case 0x hex. A token id is an unsigned 256-bit number that
// upstreams write as a decimal string of up to 78 digits.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace common {

template <typename Tag, typename Rep>
struct StrongId {
  Rep value{};
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

using WalletId = StrongId<struct WalletIdTag, std::int32_t>;  // our row number of a wallet
using ChunkId = StrongId<struct ChunkIdTag, std::int64_t>;
using RunId = StrongId<struct RunIdTag, std::int64_t>;
using SessionId = StrongId<struct SessionIdTag, std::uint64_t>;
using Term = StrongId<struct TermTag, std::int64_t>;
// A fencing number: every grant of any chunk gets a higher one.
using Epoch = StrongId<struct EpochTag, std::int64_t>;
// The operator's name of a worker: 1 to 64 of [A-Za-z0-9._-].
using WorkerId = StrongId<struct WorkerIdTag, std::string>;

std::optional<WorkerId> ParseWorkerId(std::string_view text);

template <typename Tag, std::size_t N>
struct FixedBytes {
  std::array<std::uint8_t, N> bytes{};

  // Reads "0x" and exactly 2N hex digits of any case.
  static std::optional<FixedBytes> Parse(std::string_view text);
  std::string ToString() const;

  friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
};

using WalletAddress = FixedBytes<struct WalletAddressTag, 20>;
using TxHash = FixedBytes<struct TxHashTag, 32>;
using OrderHash = FixedBytes<struct OrderHashTag, 32>;
using BlockHash = FixedBytes<struct BlockHashTag, 32>;
using ConditionId = FixedBytes<struct ConditionIdTag, 32>;

// Condition ids of Protocol V2 come with 62 hex digits (31 bytes); other services want them padded
// to 64 (as Gamma documents), which is done here with zeros in front.
std::optional<ConditionId> ParseConditionId(std::string_view text);

struct TokenId {
  std::array<std::uint8_t, 32> bytes{};  // big-endian

  // Reads 1 to 78 decimal digits below 2^256.
  static std::optional<TokenId> ParseDecimal(std::string_view text);
  std::string ToDecimal() const;

  friend auto operator<=>(const TokenId&, const TokenId&) = default;
};

// Hashes and token ids are uniformly spread already, so eight of their bytes are a good hash.
std::size_t HashOfBytes(const std::uint8_t* bytes, std::size_t size);

}  // namespace common

template <typename Tag, typename Rep>
struct std::hash<common::StrongId<Tag, Rep>> {
  std::size_t operator()(const common::StrongId<Tag, Rep>& id) const {
    return std::hash<Rep>{}(id.value);
  }
};
template <typename Tag, std::size_t N>
struct std::hash<common::FixedBytes<Tag, N>> {
  std::size_t operator()(const common::FixedBytes<Tag, N>& id) const {
    return common::HashOfBytes(id.bytes.data(), N);
  }
};
template <>
struct std::hash<common::TokenId> {
  std::size_t operator()(const common::TokenId& id) const {
    return common::HashOfBytes(id.bytes.data(), id.bytes.size());
  }
};
