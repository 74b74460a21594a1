// The simulated world: wallets, markets and every fill between them.
//
// The same world is told by each dialect in its own words. Fills are kept in chain order, so the
// number of a fill is also its sequence. Only Append, AddWallet and Close change a world; the
// server does that in its own thread, between two requests.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/trade.h"

namespace sim {

using Hash32 = std::array<std::uint8_t, 32>;
using FillNumber = std::uint32_t;

enum class WalletKind : std::uint8_t { kUser, kContract, kOperator };

struct Wallet {
  common::WalletAddress address;
  WalletKind kind = WalletKind::kUser;
};

struct Tag {
  std::string id;
  std::string label;
  std::string slug;
};

struct Event {
  std::string id;
  std::string slug;
  std::string title;
  std::string neg_risk_market_id;  // "" unless the markets form a group
  std::vector<std::uint32_t> tags;
  std::vector<std::uint32_t> markets;
  std::string raw;  // the recorded JSON of Gamma, if there is one
  common::UnixSeconds created = 0;
  common::UnixSeconds ends = 0;
  bool closed = false;
};

// Who can name a market's tokens.
enum class KnownBy : std::uint8_t { kGammaAndClob, kClob, kNobody };

struct Market {
  std::string id;
  std::string condition_id;
  std::string question_id;
  std::string slug;
  std::string question;
  std::string category;  // only old markets have one
  std::string icon;
  std::string group_item_title;
  std::vector<std::string> outcomes;
  std::vector<std::uint32_t> tokens;  // aligned with outcomes
  std::string raw;                    // the recorded JSON of Gamma, if there is one
  std::vector<std::int64_t> prices;   // recorded ones, in millionths; otherwise made up
  std::uint32_t event = 0;
  common::UnixSeconds created = 0;
  common::UnixSeconds ends = 0;
  common::UnixSeconds closed_at = 0;  // 0: open
  std::int32_t fee_permille = 0;
  std::int32_t winner = -1;  // an outcome; -1 with a closed market: each gets the same
  bool neg_risk = false;
  bool has_positions = false;  // of Protocol V2: ids of 31 bytes, positions instead of tokens
  KnownBy known_by = KnownBy::kGammaAndClob;
};

struct Token {
  std::string decimal;
  std::uint32_t market = 0;
  std::uint32_t outcome = 0;
};

// One OrderFilled event, as its maker's trade.
struct Fill {
  std::uint64_t order = 0;  // names the order; its hash follows from it
  std::int64_t size = 0;
  std::int64_t usdc = 0;
  std::int64_t fee = 0;
  std::uint32_t ts = 0;
  std::uint32_t tx = 0;
  std::uint32_t wallet = 0;  // the event's maker
  std::uint32_t taker = 0;   // as the event says: a wallet, an exchange or an operator
  std::uint32_t token = 0;
  common::Side side = common::Side::kBuy;
  common::Role role = common::Role::kMaker;
  common::ExchangeVersion version = common::ExchangeVersion::kV1;
  bool archived = true;  // told by the V1 subgraph; a recorded fill without order hash is not
};

inline bool IsV2(const Fill& fill) {
  return fill.version == common::ExchangeVersion::kV2;
}

struct WorldParts {
  std::uint64_t seed = 0;
  bool recorded = false;  // nothing is made up beside the fills
  std::vector<Wallet> wallets;
  std::vector<Tag> tags;
  std::vector<Event> events;
  std::vector<Market> markets;
  std::vector<Token> tokens;
  std::vector<Fill> fills;  // in chain order
  // Hashes of recorded transactions and orders, by number. Numbers beyond have made-up hashes.
  std::vector<Hash32> tx_hashes;
  std::vector<Hash32> order_hashes;
};

class World {
 public:
  explicit World(WorldParts parts);

  std::uint64_t seed() const { return parts_.seed; }
  bool recorded() const { return parts_.recorded; }
  const std::vector<Wallet>& wallets() const { return parts_.wallets; }
  const std::vector<Tag>& tags() const { return parts_.tags; }
  const std::vector<Event>& events() const { return parts_.events; }
  const std::vector<Market>& markets() const { return parts_.markets; }
  const std::vector<Token>& tokens() const { return parts_.tokens; }
  const std::vector<Fill>& fills() const { return parts_.fills; }

  Hash32 TxHash(const Fill& fill) const;
  Hash32 OrderHash(const Fill& fill) const;

  // In chain order, oldest first.
  std::span<const FillNumber> FillsOf(std::uint32_t wallet) const { return by_wallet_[wallet]; }
  std::span<const FillNumber> FillsIn(std::uint32_t market) const { return by_market_[market]; }

  // What was traded in a market, in millionths of USDC; each match once.
  std::int64_t VolumeOf(std::uint32_t market) const { return volumes_[market]; }

  // What the V1 subgraph holds, ordered by (timestamp, transaction hash, order hash).
  std::span<const FillNumber> Archive() const { return archive_; }
  std::span<const FillNumber> ArchiveOf(std::uint32_t wallet) const;
  // Orders two fills as the subgraph does: by the bytes of tx hash and order hash.
  bool IdLess(FillNumber a, FillNumber b) const;

  const std::uint32_t* FindWallet(std::string_view address) const;  // any case
  const std::uint32_t* FindWallet(const common::WalletAddress& address) const;
  const std::uint32_t* FindToken(std::string_view decimal) const;
  const std::uint32_t* FindMarketByCondition(std::string_view condition_id) const;
  const std::uint32_t* FindMarketById(std::string_view id) const;
  const std::uint32_t* FindMarketBySlug(std::string_view slug) const;
  const std::uint32_t* FindEventById(std::string_view id) const;

  common::UnixSeconds newest() const;

  // REQUIRES: in chain order, not older than newest().
  void Append(std::span<const Fill> fills);
  std::uint32_t AddWallet(const common::WalletAddress& address);
  // Resolves the open market of this number; its event closes with its last one. `winner` as in
  // Market.
  void Close(std::uint32_t number, common::UnixSeconds at, std::int32_t winner);
  // How often a market was closed since the world was made.
  std::uint64_t closings() const { return closings_; }

 private:
  using TextIndex = std::unordered_map<std::string_view, std::uint32_t>;

  void IndexFill(FillNumber number);
  void BuildArchive();

  WorldParts parts_;
  std::vector<std::vector<FillNumber>> by_wallet_;
  std::vector<std::vector<FillNumber>> by_market_;
  std::vector<std::int64_t> volumes_;
  std::uint64_t closings_ = 0;
  std::vector<FillNumber> archive_;
  std::vector<std::vector<FillNumber>> archive_by_wallet_;
  std::unordered_map<common::WalletAddress, std::uint32_t> wallet_index_;
  TextIndex token_index_;
  TextIndex condition_index_;
  TextIndex market_index_;
  TextIndex slug_index_;
  TextIndex event_index_;
};

// A made-up 32-byte hash that belongs to (seed, what, number).
Hash32 MadeHash(std::uint64_t seed, std::uint64_t what, std::uint64_t number);

}  // namespace sim
