#include "sim/books.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sim {
namespace {

constexpr std::size_t kMostKept = 64;

WalletBook BookOf(const World& world, std::uint32_t wallet) {
  WalletBook book;
  std::map<AccountKey, Account> accounts;
  const auto numbers = world.FillsOf(wallet);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const FillNumber number = numbers[i];
    const Fill& fill = world.fills()[number];
    const AccountKey key = AccountOf(world, world.tokens()[fill.token].market);
    accounts.try_emplace(key, world, wallet, &book.rows).first->second.Take(number);
    AppendExtras(world, number, i == 0, book.rows);
    book.items.push_back({fill.ts, true, number, SequenceOf(world, number)});
  }
  for (auto& [key, account] : accounts) {
    account.Finish();
    for (const auto& [token, holding] : account.holdings()) {
      book.holdings.push_back({wallet, token, holding});
    }
  }
  for (std::uint32_t i = 0; i < book.rows.size(); ++i) {
    book.items.push_back({book.rows[i].ts, false, i, book.rows[i].Sequence()});
  }
  std::sort(book.items.begin(), book.items.end(), [](const auto& a, const auto& b) {
    return std::pair(a.ts, a.sequence) < std::pair(b.ts, b.sequence);
  });
  return book;
}

// The fills of all markets of an account, in chain order.
std::vector<FillNumber> FillsOf(const World& world, const std::vector<std::uint32_t>& markets) {
  std::vector<FillNumber> numbers;
  for (const std::uint32_t market : markets) {
    const auto inner = world.FillsIn(market);
    numbers.insert(numbers.end(), inner.begin(), inner.end());
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::vector<HoldingOf> HoldingsIn(const World& world, std::uint32_t market,
                                  const std::vector<std::uint32_t>& markets) {
  std::unordered_map<std::uint32_t, Account> accounts;
  for (const FillNumber number : FillsOf(world, markets)) {
    const std::uint32_t wallet = world.fills()[number].wallet;
    accounts.try_emplace(wallet, world, wallet, nullptr).first->second.Take(number);
  }
  std::vector<HoldingOf> holdings;
  for (auto& [wallet, account] : accounts) {
    account.Finish();
    for (const auto& [token, holding] : account.holdings()) {
      if (world.tokens()[token].market == market) holdings.push_back({wallet, token, holding});
    }
  }
  return holdings;
}

template <typename Map>
auto& Place(Map& kept, std::uint32_t number) {
  if (kept.size() >= kMostKept && kept.count(number) == 0) kept.clear();
  return kept[number];
}

}  // namespace

const WalletBook& Books::OfWallet(std::uint32_t wallet) {
  auto& kept = Place(wallets_, wallet);
  const std::size_t fills = world_.FillsOf(wallet).size();
  if (kept.fills != fills || kept.closings != world_.closings()) {
    kept = {fills, world_.closings(), BookOf(world_, wallet)};
  }
  return kept.book;
}

const std::vector<HoldingOf>& Books::OfMarket(std::uint32_t market) {
  auto& kept = Place(markets_, market);
  const auto markets = MarketsOf(world_, AccountOf(world_, market));
  std::size_t fills = 0;
  for (const std::uint32_t number : markets) fills += world_.FillsIn(number).size();
  if (kept.fills != fills || kept.closings != world_.closings()) {
    kept = {fills, world_.closings(), HoldingsIn(world_, market, markets)};
  }
  return kept.book;
}

}  // namespace sim
