#include "sim/rpc_logs.h"

#include <algorithm>

#include "common/check.h"
#include "sim/blocks.h"
#include "sim/contracts.h"
#include "sim/prices.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::uint64_t kResolutionTx = 53;

constexpr const char* kOracle = "0x157ce2d672854c848c9b79c49a8cc6cc89176a49";

constexpr const char* kOrderFilledV1 =
    "0xd0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6";
constexpr const char* kOrderFilledV2 =
    "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";
constexpr const char* kConditionResolution =
    "0xb44d84d3289691f71497564b85d4233648d9dbae8cbdbb4329f301c3a0185894";

Hash32 TopicOf(const char* text) {
  const auto topic = common::TxHash::Parse(text);
  CHECK(topic.has_value());
  return topic->bytes;
}

common::WalletAddress AddressFrom(const char* text) {
  const auto address = common::WalletAddress::Parse(text);
  CHECK(address.has_value());
  return *address;
}

Hash32 SignatureOf(const Fill& fill) {
  static const Hash32 kV1 = TopicOf(kOrderFilledV1);
  static const Hash32 kV2 = TopicOf(kOrderFilledV2);
  return IsV2(fill) ? kV2 : kV1;
}

Hash32 WordOfNumber(std::int64_t number) {
  Hash32 word{};
  auto rest = static_cast<std::uint64_t>(number);
  for (std::size_t i = word.size(); rest != 0; rest >>= 8) word[--i] = rest & 0xff;
  return word;
}

// Hex digits without "0x".
void AppendWord(std::string& out, const Hash32& word) {
  const std::size_t at = out.size();
  AppendHex(out, word);
  out.erase(at, 2);
}

void AppendHash(std::string& out, std::string_view key, std::span<const std::uint8_t> bytes) {
  out += '"';
  out += key;
  out += "\":\"";
  AppendHex(out, bytes);
  out += "\",";
}

}  // namespace

RpcLogs::RpcLogs(const World& world, Chain& chain, bool log_times)
    : world_(world), chain_(chain), log_times_(log_times) {
  token_words_.reserve(world.tokens().size());
  for (const Token& token : world.tokens()) {
    token_words_.push_back(
        common::TokenId::ParseDecimal(token.decimal).value_or(common::TokenId{}).bytes);
  }
  for (std::size_t i = 0; i < exchanges_.size(); ++i) {
    const std::uint32_t* wallet = world.FindWallet(kExchanges[i]);
    CHECK(wallet != nullptr);
    exchanges_[i] = *wallet;
  }
  KeepResolutions();
}

void RpcLogs::KeepResolutions() {
  resolutions_.clear();
  closings_ = world_.closings();
  for (std::uint32_t market = 0; market < world_.markets().size(); ++market) {
    if (PayoutsOf(world_.markets()[market]).empty()) continue;
    resolutions_.push_back({BlockAt(world_.markets()[market].closed_at), market});
  }
  std::stable_sort(resolutions_.begin(), resolutions_.end(),
                   [](const Resolution& a, const Resolution& b) { return a.block < b.block; });
}

void RpcLogs::AppendTail(std::string& out, const Chain::Place& place, const Hash32& block_hash,
                         const Hash32& tx) const {
  AppendTextPair(out, "blockNumber", Quantity(place.block));
  if (log_times_) AppendTextPair(out, "blockTimestamp", Quantity(TimeOfBlock(place.block)));
  AppendHash(out, "transactionHash", tx);
  AppendTextPair(out, "transactionIndex", Quantity(place.transaction));
  AppendHash(out, "blockHash", block_hash);
  AppendTextPair(out, "logIndex", Quantity(place.log));
  out += "\"removed\":false}";
}

// A taker's event names the exchange that emitted it. The others are emitted by the same one.
std::uint32_t RpcLogs::Exchange(const Fill& fill) const {
  if (world_.wallets()[fill.taker].kind == WalletKind::kContract) return fill.taker;
  const bool group = world_.markets()[world_.tokens()[fill.token].market].neg_risk;
  return exchanges_[(IsV2(fill) ? 2U : 0U) + (group ? 1U : 0U)];
}

// The fills of the blocks, and of the one before them: a fork tells it one block later.
std::vector<FillNumber> RpcLogs::Candidates(const LogFilter& filter) const {
  const auto [first, end] = chain_.FillsOf(filter.from_block - 1, filter.to_block);
  std::vector<FillNumber> numbers;
  if (filter.topics[2].empty()) {
    for (FillNumber number = first; number < end; ++number) numbers.push_back(number);
    return numbers;
  }
  for (const Hash32& topic : filter.topics[2]) {
    const auto maker = AddressOf(topic);
    const std::uint32_t* wallet = maker ? world_.FindWallet(*maker) : nullptr;
    if (wallet == nullptr) continue;
    const auto all = world_.FillsOf(*wallet);
    numbers.insert(numbers.end(), std::lower_bound(all.begin(), all.end(), first),
                   std::lower_bound(all.begin(), all.end(), end));
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

bool RpcLogs::Wants(const LogFilter& filter, const Fill& fill) const {
  const auto address = [this](std::uint32_t wallet) {
    return world_.wallets()[wallet].address;
  };
  return fill.archived && filter.WantsAddress(address(Exchange(fill))) &&
         filter.WantsTopic(0, SignatureOf(fill)) &&
         (filter.topics[1].empty() || filter.WantsTopic(1, world_.OrderHash(fill))) &&
         filter.WantsTopic(2, WordOf(address(fill.wallet))) &&
         filter.WantsTopic(3, WordOf(address(fill.taker)));
}

std::optional<std::size_t> RpcLogs::Append(const LogFilter& filter, std::int64_t head,
                                           std::size_t most, std::string& out) {
  if (closings_ != world_.closings()) KeepResolutions();
  std::size_t count = 0;
  const auto begin_log = [&] {
    if (count++ > 0) out += ',';
    return count <= most;
  };
  const std::int64_t last = std::min(filter.to_block, head);
  auto resolution = std::partition_point(
      resolutions_.begin(), resolutions_.end(),
      [&](const Resolution& other) { return other.block < filter.from_block; });
  // All resolutions of the blocks before `block`; false if there are too many logs.
  const auto resolve = [&](std::int64_t block) {
    for (; resolution != resolutions_.end() && resolution->block < block; ++resolution) {
      if (!Wants(filter, *resolution)) continue;
      if (!begin_log()) return false;
      AppendResolution(*resolution, head, out);
    }
    return true;
  };
  std::int64_t hashed = -1;
  Hash32 block_hash{};
  for (const FillNumber number : Candidates(filter)) {
    const Fill& fill = world_.fills()[number];
    if (!Wants(filter, fill)) continue;
    const Chain::Place place = chain_.PlaceOf(number, head);
    if (!place.exists || place.block < filter.from_block || place.block > last) continue;
    if (!resolve(place.block) || !begin_log()) return std::nullopt;
    if (place.block != hashed) block_hash = chain_.HashOf(place.block, head);
    hashed = place.block;
    AppendFill(fill, place, block_hash, out);
  }
  if (!resolve(last + 1)) return std::nullopt;
  return count;
}

void RpcLogs::AppendFill(const Fill& fill, const Chain::Place& place, const Hash32& block_hash,
                         std::string& out) const {
  const auto address = [this](std::uint32_t wallet) {
    return world_.wallets()[wallet].address;
  };
  const bool buy = fill.side == common::Side::kBuy;
  out += '{';
  AppendHash(out, "address", address(Exchange(fill)).bytes);
  out += R"("topics":[")";
  AppendHex(out, SignatureOf(fill));
  out += "\",\"";
  AppendHex(out, world_.OrderHash(fill));
  for (const std::uint32_t wallet : {fill.wallet, fill.taker}) {
    out += "\",\"";
    AppendHex(out, WordOf(address(wallet)));
  }
  out += R"("],"data":"0x)";
  if (IsV2(fill)) {
    AppendWord(out, WordOfNumber(buy ? 0 : 1));
    AppendWord(out, token_words_[fill.token]);
  } else {
    AppendWord(out, buy ? Hash32{} : token_words_[fill.token]);
    AppendWord(out, buy ? token_words_[fill.token] : Hash32{});
  }
  AppendWord(out, WordOfNumber(buy ? fill.usdc : fill.size));
  AppendWord(out, WordOfNumber(buy ? fill.size : fill.usdc));
  AppendWord(out, WordOfNumber(fill.fee));
  if (IsV2(fill)) {  // builder and metadata
    AppendWord(out, {});
    AppendWord(out, {});
  }
  out += "\",";
  AppendTail(out, place, block_hash, world_.TxHash(fill));
}

bool RpcLogs::Wants(const LogFilter& filter, const Resolution& resolution) const {
  static const common::WalletAddress kAddress = AddressFrom(kConditionalTokens);
  static const Hash32 kSignature = TopicOf(kConditionResolution);
  static const Hash32 kOracleWord = WordOf(AddressFrom(kOracle));
  const Market& market = world_.markets()[resolution.market];
  const auto wants = [&](std::size_t place, const std::string& text) {
    const auto topic = common::TxHash::Parse(text);
    return filter.topics[place].empty() || (topic && filter.WantsTopic(place, topic->bytes));
  };
  return filter.WantsAddress(kAddress) && filter.WantsTopic(0, kSignature) &&
         wants(1, market.condition_id) && filter.WantsTopic(2, kOracleWord) &&
         wants(3, market.question_id);
}

// ConditionResolution(conditionId, oracle, questionId, outcomeSlotCount, payoutNumerators).
void RpcLogs::AppendResolution(const Resolution& resolution, std::int64_t head,
                               std::string& out) const {
  const Market& market = world_.markets()[resolution.market];
  const auto payouts = PayoutsOf(market);
  out += '{';
  AppendTextPair(out, "address", kConditionalTokens);
  out += R"("topics":[")";
  out += kConditionResolution;
  out += "\",\"" + market.condition_id + "\",\"";
  AppendHex(out, WordOf(AddressFrom(kOracle)));
  out += "\",\"" + market.question_id + R"("],"data":"0x)";
  const auto slots = static_cast<std::int64_t>(payouts.size());
  constexpr std::int64_t kListAt = 64;  // in bytes from the start
  for (const std::int64_t number : {slots, kListAt, slots}) AppendWord(out, WordOfNumber(number));
  for (const std::int64_t payout : payouts) AppendWord(out, WordOfNumber(payout > 0 ? 1 : 0));
  out += "\",";
  const auto before =
      std::partition_point(resolutions_.begin(), resolutions_.end(),
                           [&](const Resolution& other) { return other.block < resolution.block; });
  const Chain::Place place = chain_.PlaceBehindFills(resolution.block, &resolution - &*before);
  AppendTail(out, place, chain_.HashOf(resolution.block, head),
             MadeHash(world_.seed(), kResolutionTx, resolution.market));
}

}  // namespace sim
