#include "sim/data_rows.h"

#include <array>

#include <fmt/format.h>

#include "sim/amounts.h"
#include "sim/random.h"
#include "sim/text.h"

namespace sim {
namespace {

constexpr std::int64_t kLabelDelaySeconds = 3600;

constexpr std::array<const char*, 8> kFirstWords = {"Scary",   "Ultimate", "Bronze", "Gentle",
                                                    "Thirsty", "Vast",     "Loyal",  "Improper"};
constexpr std::array<const char*, 8> kSecondWords = {
    "Barrel", "Precedence", "Underpass", "Lantern", "Meadow", "Chapel", "Quarry", "Trumpet"};

void AppendLabels(std::string& out, const World& world, const Token& token, bool labelled) {
  const Market& market = world.markets()[token.market];
  AppendTextPair(out, "title", market.question);
  AppendTextPair(out, "slug", market.slug);
  AppendTextPair(out, "icon", market.icon);
  AppendTextPair(out, "event_slug", labelled ? world.events()[market.event].slug : "");
  AppendTextPair(out, "outcome", market.outcomes[token.outcome]);
  out += fmt::format("\"outcome_index\":{},",
                     labelled ? static_cast<int>(token.outcome) : kUnlabelledOutcome);
}

}  // namespace

void AppendExactPair(std::string& out, std::string_view key, std::int64_t millionths) {
  out += '"';
  out += key;
  out += "\":";
  AppendMillionths(out, millionths, true);
  out += ',';
}

void AppendRoundedPair(std::string& out, std::string_view key, std::int64_t millionths) {
  AppendExactPair(out, key, RoundedToFour(millionths));
}

std::string NameOf(std::uint32_t wallet) {
  return fmt::format("trader{}", wallet);
}

std::string PseudonymOf(const Wallet& wallet) {
  const std::uint64_t draw = Mix(wallet.address.bytes[0], wallet.address.bytes[1]);
  return fmt::format("{}-{}", kFirstWords[draw % kFirstWords.size()],
                     kSecondWords[(draw >> 8) % kSecondWords.size()]);
}

void AppendProfile(std::string& out, const World& world, std::uint32_t wallet) {
  AppendTextPair(out, "name", NameOf(wallet));
  AppendTextPair(out, "pseudonym", PseudonymOf(world.wallets()[wallet]));
  out += R"("bio":"","profile_image":"","profile_image_optimized":"",)";
}

std::int64_t UsdcWithFee(const Fill& fill) {
  if (fill.side == common::Side::kSell) return fill.usdc - fill.fee;
  return fill.usdc + (IsV2(fill) ? fill.fee : 0);
}

const DataRows::TokenText& DataRows::TextOf(std::uint32_t number) {
  TokenText& text = token_texts_[number];
  if (!text.head.empty()) return text;
  const Token& token = world_.tokens()[number];
  AppendTextPair(text.head, "token_id", token.decimal);
  AppendTextPair(text.head, "condition_id", world_.markets()[token.market].condition_id);
  AppendLabels(text.labelled, world_, token, true);
  AppendLabels(text.fresh, world_, token, false);
  return text;
}

const std::string& DataRows::Labels(const Fill& fill) {
  const TokenText& text = TextOf(fill.token);
  return fill.ts <= world_.newest() - kLabelDelaySeconds ? text.labelled : text.fresh;
}

void DataRows::AppendTrade(std::string& out, const Fill& fill) {
  out += R"({"proxy_wallet":")";
  AppendHex(out, world_.wallets()[fill.wallet].address.bytes);
  out += fill.side == common::Side::kBuy ? R"(","side":"BUY",)" : R"(","side":"SELL",)";
  out += TextOf(fill.token).head;
  AppendExactPair(out, "size", fill.size);
  out += "\"price\":";
  AppendPrice(out, fill.size, fill.usdc, true);
  out += ",\"timestamp\":";
  AppendInteger(out, fill.ts);
  out += ',';
  out += Labels(fill);
  AppendProfile(out, world_, fill.wallet);
  out += R"("transaction_hash":")";
  AppendHex(out, world_.TxHash(fill));
  out += "\"}";
}

void DataRows::AppendTradeActivity(std::string& out, const Fill& fill) {
  out += R"({"proxy_wallet":")";
  AppendHex(out, world_.wallets()[fill.wallet].address.bytes);
  out += R"(","timestamp":)";
  AppendInteger(out, fill.ts);
  out += ',';
  out += TextOf(fill.token).head;
  out += R"("type":"TRADE",)";
  AppendExactPair(out, "size", fill.size);
  AppendExactPair(out, "usdc_size", UsdcWithFee(fill));
  out += R"("transaction_hash":")";
  AppendHex(out, world_.TxHash(fill));
  out += R"(","price":)";
  AppendPrice(out, fill.size, fill.usdc, true);
  out += fill.side == common::Side::kBuy ? R"(,"side":"BUY",)" : R"(,"side":"SELL",)";
  out += Labels(fill);
  AppendProfile(out, world_, fill.wallet);
  out += R"("is_combo":false})";
}

// Without token, side and outcome. Those that are of no market have no condition either.
void DataRows::AppendActivity(std::string& out, std::uint32_t wallet,
                              const ActivityRow& row) const {
  const Market* market = row.market == kNoMarket ? nullptr : &world_.markets()[row.market];
  out += R"({"proxy_wallet":")";
  AppendHex(out, world_.wallets()[wallet].address.bytes);
  out += R"(","timestamp":)";
  AppendInteger(out, row.ts);
  out += ',';
  AppendTextPair(out, "condition_id", market == nullptr ? "" : market->condition_id);
  AppendTextPair(out, "type", ToString(row.type));
  AppendExactPair(out, "size", row.size);
  AppendExactPair(out, "usdc_size", row.usdc);
  out += R"("transaction_hash":")";
  AppendHex(out, TxHashOf(world_, row));
  out += R"(","price":0.0,"token_id":"",)";
  const bool is_tip = row.type == ActivityType::kTip;
  AppendTextPair(out, "side", !is_tip ? "" : row.key % 2 == 0 ? "IN" : "OUT");
  out += fmt::format("\"outcome_index\":{},", kUnlabelledOutcome);
  AppendTextPair(out, "title", market == nullptr ? "" : market->question);
  AppendTextPair(out, "slug", market == nullptr ? "" : market->slug);
  AppendTextPair(out, "icon", market == nullptr ? "" : market->icon);
  AppendTextPair(out, "event_slug", market == nullptr ? "" : world_.events()[market->event].slug);
  AppendTextPair(out, "outcome", "");
  AppendProfile(out, world_, wallet);
  out += R"("is_combo":false})";
}

}  // namespace sim
