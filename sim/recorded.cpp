#include "sim/recorded.h"

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/recorded_fills.h"
#include "sim/recorded_json.h"
#include "sim/recorded_markets.h"
#include "sim/world_builder.h"

namespace sim {
namespace {

constexpr const char* kPages = "/gamma/gamma_markets_open_2026-03-11.pages.jsonl.zst";
constexpr std::array<const char*, 5> kGammaMarkets = {
    "/gamma/gamma_market_closed_binary_accepting_true.json",
    "/gamma/gamma_market_closed_binary_accepting_false.json",
    "/gamma/gamma_market_closed_nonbinary_legacy.json",
    "/gamma/gamma_market_closed_zero_zero_legacy.json",
    "/gamma/gamma_market_sports_market_money_line.json"};
constexpr const char* kGammaArray = "/gamma/gamma_markets_array_2026-07.json";
constexpr std::array<const char*, 2> kClobMarkets = {
    "/clob/clob_market_closed_binary_accepting_true.json",
    "/clob/clob_market_closed_binary_accepting_false.json"};
constexpr const char* kClobPage = "/clob/clob_markets_page_first100.json.zst";
constexpr std::array<const char*, 2> kChainEvents = {"/onchain/orderfilled_v1_real_sample.jsonl",
                                                     "/onchain/orderfilled_v2_real_sample.jsonl"};
constexpr const char* kTradesV2 = "/data_api_v2/trades.json";
constexpr std::array<const char*, 2> kListsV1 = {
    "/data_api_v1/activity_limit500_2026-02-17.json.zst", "/data_api_v1/trades_2026-09-23.json"};
constexpr const char* kDomePage = "/dome/dome_orders_page_limit100.json";
constexpr const char* kDomeAnswers = "/dome/dome_raw_orders_and_markets_2025-11.json";
// Orders without a hash: far from the numbers of those that have one.
constexpr std::uint64_t kFirstUnnamedOrder = 1ULL << 40;

void ReadMarkets(const std::string& directory, MarketBook& markets) {
  const std::string pages = ReadRecording(directory + kPages);
  if (pages.empty()) throw std::runtime_error("there is no " + directory + kPages);
  for (const std::string_view page : SplitLines(pages)) {
    for (const std::string& raw : ReadElements(TextOf(ReadFields(page), "markets"))) {
      markets.AddGamma(raw);
    }
  }
  for (const char* name : kGammaMarkets) {
    const std::string raw = ReadRecording(directory + name);
    if (!raw.empty()) markets.AddGamma(raw);
  }
  for (const std::string& raw : ReadElements(ReadRecording(directory + kGammaArray))) {
    markets.AddGamma(raw);
  }
  for (const char* name : kClobMarkets) {
    const std::string raw = ReadRecording(directory + name);
    if (!raw.empty()) markets.AddClob(raw);
  }
  const std::string page = ReadRecording(directory + kClobPage);
  if (page.empty()) return;
  for (const std::string& raw : ReadElements(TextOf(ReadFields(page), "data"))) {
    markets.AddClob(raw);
  }
}

// Lists are newest first; the world is oldest first.
void AppendRows(std::string_view array, MarketBook& markets, std::vector<RecordedFill>& fills) {
  std::vector<std::string> rows = ReadElements(array);
  std::reverse(rows.begin(), rows.end());
  for (const std::string& row : rows) {
    if (const auto fill = ReadDataRow(ReadFields(row), markets)) fills.push_back(*fill);
  }
}

void AppendDomeOrders(std::string_view page, MarketBook& markets,
                      std::vector<RecordedFill>& fills) {
  std::vector<std::string> orders = ReadElements(TextOf(ReadFields(page), "orders"));
  std::reverse(orders.begin(), orders.end());
  for (const std::string& order : orders) {
    fills.push_back(ReadDomeOrder(ReadFields(order), markets));
  }
}

void AppendDome(const std::string& directory, MarketBook& markets,
                std::vector<RecordedFill>& fills) {
  for (const std::string& page : ReadElements(ReadRecording(directory + kDomePage))) {
    AppendDomeOrders(page, markets, fills);
  }
  const std::string answers = ReadRecording(directory + kDomeAnswers);
  if (answers.empty()) return;
  for (const std::string& wallet : ReadElements(TextOf(ReadFields(answers), "wallet_trades"))) {
    AppendDomeOrders(TextOf(ReadFields(wallet), "raw_data"), markets, fills);
  }
}

std::vector<RecordedFill> ReadFills(const std::string& directory, MarketBook& markets) {
  std::vector<RecordedFill> fills;
  for (const char* name : kChainEvents) {
    const std::string events = ReadRecording(directory + name);
    for (const std::string_view line : SplitLines(events)) {
      fills.push_back(ReadChainEvent(ReadFields(line), markets));
    }
  }
  const std::string trades = ReadRecording(directory + kTradesV2);
  if (!trades.empty()) AppendRows(TextOf(ReadFields(trades), "data"), markets, fills);
  for (const char* name : kListsV1) AppendRows(ReadRecording(directory + name), markets, fills);
  AppendDome(directory, markets, fills);
  std::stable_sort(fills.begin(), fills.end(),
                   [](const RecordedFill& a, const RecordedFill& b) { return a.ts < b.ts; });
  return fills;
}

// Gives numbers to things in the order of their first appearance.
template <typename Key>
class Numbering {
 public:
  std::uint32_t operator()(const Key& key) {
    return numbers_.emplace(key, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::unordered_map<Key, std::uint32_t> numbers_;
};

// Users come first and contracts behind them, as in the seeded world.
std::unordered_map<common::WalletAddress, std::uint32_t> AddWallets(
    const std::vector<RecordedFill>& fills, WorldParts& parts) {
  std::vector<Wallet> contracts;
  AddContracts(parts.seed, contracts);
  const auto is_contract = [&](const common::WalletAddress& address) {
    return std::any_of(contracts.begin(), contracts.end(),
                       [&](const Wallet& contract) { return contract.address == address; });
  };
  std::unordered_map<common::WalletAddress, std::uint32_t> numbers;
  const auto add = [&](const Wallet& wallet) {
    const auto next = static_cast<std::uint32_t>(parts.wallets.size());
    if (numbers.emplace(wallet.address, next).second) parts.wallets.push_back(wallet);
  };
  for (const RecordedFill& fill : fills) {
    for (const auto& address : {fill.wallet, fill.taker}) {
      if (!is_contract(address)) add({address, WalletKind::kUser});
    }
  }
  for (const Wallet& contract : contracts) add(contract);
  return numbers;
}

void AddFills(const std::vector<RecordedFill>& fills, WorldParts& parts) {
  const auto wallets = AddWallets(fills, parts);
  Numbering<common::TxHash> transactions;
  Numbering<common::OrderHash> orders;
  for (const RecordedFill& recorded : fills) {
    Fill fill;
    fill.order = kFirstUnnamedOrder + parts.fills.size();
    fill.archived = recorded.order.has_value();
    if (recorded.order) {
      fill.order = orders(*recorded.order);
      if (fill.order == parts.order_hashes.size()) {
        parts.order_hashes.push_back(recorded.order->bytes);
      }
    }
    fill.tx = transactions(recorded.tx);
    if (fill.tx == parts.tx_hashes.size()) parts.tx_hashes.push_back(recorded.tx.bytes);
    fill.size = recorded.size;
    fill.usdc = recorded.usdc;
    fill.fee = recorded.fee;
    fill.ts = static_cast<std::uint32_t>(recorded.ts);
    fill.wallet = wallets.at(recorded.wallet);
    fill.taker = wallets.at(recorded.taker);
    fill.token = recorded.token;
    fill.side = recorded.side;
    fill.role = recorded.role;
    fill.version = recorded.version;
    parts.fills.push_back(fill);
  }
}

}  // namespace

common::Result<WorldParts> LoadRecorded(const std::string& directory) {
  try {
    WorldParts parts;
    parts.recorded = true;
    MarketBook markets(parts);
    ReadMarkets(directory, markets);
    const auto fills = ReadFills(directory, markets);
    markets.Complete();
    AddFills(fills, parts);
    return parts;
  } catch (const std::exception& error) {  // of the readers, at start-up
    return common::Error{common::ErrorKind::kMalformed, error.what()};
  }
}

}  // namespace sim
