// The books of wallets and of markets, kept from fills and activity as long as they do not change.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sim/activity.h"
#include "sim/world.h"

namespace sim {

struct HoldingOf {
  std::uint32_t wallet = 0;
  std::uint32_t token = 0;
  Holding holding;
};

struct WalletBook {
  // A row of the wallet's feed, oldest first.
  struct Item {
    std::uint32_t ts = 0;
    bool is_fill = false;
    std::uint32_t index = 0;  // of the fill, or in `rows`
    std::int64_t sequence = 0;
  };
  std::vector<Item> items;
  std::vector<ActivityRow> rows;
  std::vector<HoldingOf> holdings;
};

// Asked by one thread. A book is valid until the next question.
class Books {
 public:
  explicit Books(const World& world) : world_(world) {}

  const WalletBook& OfWallet(std::uint32_t wallet);
  // What all wallets hold of the market's tokens, in no order.
  const std::vector<HoldingOf>& OfMarket(std::uint32_t market);

 private:
  template <typename Book>
  struct Kept {
    std::size_t fills = 0;  // what the book is made of
    std::uint64_t closings = 0;
    Book book;
  };

  const World& world_;
  std::unordered_map<std::uint32_t, Kept<WalletBook>> wallets_;
  std::unordered_map<std::uint32_t, Kept<std::vector<HoldingOf>>> markets_;
};

}  // namespace sim
