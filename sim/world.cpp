#include "sim/world.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "sim/random.h"

namespace sim {
namespace {

constexpr std::uint64_t kTxHash = 1;
constexpr std::uint64_t kOrderHash = 2;

const std::uint32_t* Find(const std::unordered_map<std::string_view, std::uint32_t>& index,
                          std::string_view key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &found->second;
}

}  // namespace

Hash32 MadeHash(std::uint64_t seed, std::uint64_t what, std::uint64_t number) {
  Random random(Mix(Mix(seed, what), number));
  Hash32 hash{};
  for (std::size_t word = 0; word < 4; ++word) {
    const std::uint64_t value = random.Next();
    for (std::size_t i = 0; i < 8; ++i) {
      hash[word * 8 + i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    }
  }
  return hash;
}

World::World(WorldParts parts) : parts_(std::move(parts)) {
  for (std::uint32_t i = 0; i < parts_.wallets.size(); ++i) {
    wallet_index_.emplace(parts_.wallets[i].address, i);
  }
  for (std::uint32_t i = 0; i < parts_.tokens.size(); ++i) {
    token_index_.emplace(parts_.tokens[i].decimal, i);
  }
  for (std::uint32_t i = 0; i < parts_.markets.size(); ++i) {
    condition_index_.emplace(parts_.markets[i].condition_id, i);
    market_index_.emplace(parts_.markets[i].id, i);
    slug_index_.emplace(parts_.markets[i].slug, i);
  }
  for (std::uint32_t i = 0; i < parts_.events.size(); ++i) {
    event_index_.emplace(parts_.events[i].id, i);
  }
  by_wallet_.resize(parts_.wallets.size());
  by_market_.resize(parts_.markets.size());
  volumes_.resize(parts_.markets.size());
  for (FillNumber i = 0; i < parts_.fills.size(); ++i) IndexFill(i);
  BuildArchive();
}

void World::IndexFill(FillNumber number) {
  const Fill& fill = parts_.fills[number];
  // Each match counts once, by its taker; a fill without taker order is a match of its own.
  if (fill.role == common::Role::kTaker ||
      parts_.wallets[fill.taker].kind == WalletKind::kOperator) {
    volumes_[parts_.tokens[fill.token].market] += fill.usdc;
  }
  by_wallet_[fill.wallet].push_back(number);
  by_market_[parts_.tokens[fill.token].market].push_back(number);
}

void World::BuildArchive() {
  for (FillNumber i = 0; i < parts_.fills.size(); ++i) {
    const Fill& fill = parts_.fills[i];
    if (fill.version == common::ExchangeVersion::kV1 && fill.archived) archive_.push_back(i);
  }
  // Fills are in order of time, so only the fills of one second are still to be sorted.
  for (auto first = archive_.begin(); first != archive_.end();) {
    const std::uint32_t second = parts_.fills[*first].ts;
    const auto last = std::find_if(first, archive_.end(), [&](FillNumber number) {
      return parts_.fills[number].ts != second;
    });
    std::sort(first, last, [this](FillNumber a, FillNumber b) { return IdLess(a, b); });
    first = last;
  }
  archive_by_wallet_.resize(parts_.wallets.size());
  for (const FillNumber number : archive_) {
    archive_by_wallet_[parts_.fills[number].wallet].push_back(number);
  }
}

std::span<const FillNumber> World::ArchiveOf(std::uint32_t wallet) const {
  if (wallet >= archive_by_wallet_.size()) return {};
  return archive_by_wallet_[wallet];
}

bool World::IdLess(FillNumber a, FillNumber b) const {
  const Fill& left = parts_.fills[a];
  const Fill& right = parts_.fills[b];
  const Hash32 left_tx = TxHash(left);
  const Hash32 right_tx = TxHash(right);
  if (left_tx != right_tx) return left_tx < right_tx;
  return OrderHash(left) < OrderHash(right);
}

Hash32 World::TxHash(const Fill& fill) const {
  if (fill.tx < parts_.tx_hashes.size()) return parts_.tx_hashes[fill.tx];
  return MadeHash(parts_.seed, kTxHash, fill.tx);
}

Hash32 World::OrderHash(const Fill& fill) const {
  if (fill.order < parts_.order_hashes.size()) return parts_.order_hashes[fill.order];
  return MadeHash(parts_.seed, kOrderHash, fill.order);
}

const std::uint32_t* World::FindWallet(std::string_view address) const {
  const auto parsed = common::WalletAddress::Parse(address);
  return parsed ? FindWallet(*parsed) : nullptr;
}

const std::uint32_t* World::FindWallet(const common::WalletAddress& address) const {
  const auto found = wallet_index_.find(address);
  return found == wallet_index_.end() ? nullptr : &found->second;
}

const std::uint32_t* World::FindToken(std::string_view decimal) const {
  return Find(token_index_, decimal);
}
const std::uint32_t* World::FindMarketByCondition(std::string_view condition_id) const {
  return Find(condition_index_, condition_id);
}
const std::uint32_t* World::FindMarketById(std::string_view id) const {
  return Find(market_index_, id);
}
const std::uint32_t* World::FindMarketBySlug(std::string_view slug) const {
  return Find(slug_index_, slug);
}
const std::uint32_t* World::FindEventById(std::string_view id) const {
  return Find(event_index_, id);
}

common::UnixSeconds World::newest() const {
  return parts_.fills.empty() ? 0 : parts_.fills.back().ts;
}

void World::Append(std::span<const Fill> fills) {
  for (const Fill& fill : fills) {
    CHECK(fill.ts >= newest());
    parts_.fills.push_back(fill);
    IndexFill(static_cast<FillNumber>(parts_.fills.size() - 1));
  }
}

void World::Close(std::uint32_t number, common::UnixSeconds at, std::int32_t winner) {
  Market& market = parts_.markets[number];
  CHECK(market.closed_at == 0 && at > 0);
  market.closed_at = at;
  market.winner = winner;
  ++closings_;
  Event& event = parts_.events[market.event];
  event.ends = std::min(event.ends, at);
  event.closed = std::all_of(event.markets.begin(), event.markets.end(), [&](std::uint32_t each) {
    return parts_.markets[each].closed_at != 0;
  });
}

std::uint32_t World::AddWallet(const common::WalletAddress& address) {
  const auto number = static_cast<std::uint32_t>(parts_.wallets.size());
  parts_.wallets.push_back({address, WalletKind::kUser});
  wallet_index_.emplace(address, number);
  by_wallet_.emplace_back();
  return number;
}

}  // namespace sim
