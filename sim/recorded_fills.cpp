#include "sim/recorded_fills.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "common/decimal.h"
#include "sim/blocks.h"
#include "sim/contracts.h"
#include "sim/text.h"
#include "sim/world.h"

namespace sim {
namespace {

[[noreturn]] void RefuseFill(const std::string& what, const std::string& text) {
  throw std::runtime_error("a recorded fill has the " + what + " '" + text + "'");
}

template <typename Bytes>
Bytes ParseBytes(const std::string& text, const std::string& what) {
  const auto bytes = Bytes::Parse(text);
  if (!bytes) RefuseFill(what, text);
  return *bytes;
}

std::int64_t Integer(const JsonFields& fields, std::string_view name) {
  const auto number = ParseInteger(TextOf(fields, name));
  if (!number || *number < 0) RefuseFill(std::string(name), TextOf(fields, name));
  return *number;
}

bool IsExchange(const std::string& address) {
  return std::find(kExchanges.begin(), kExchanges.end(), ToLower(address)) != kExchanges.end();
}

// Version 1 says what is given and what is got, version 2 the side.
bool IsBuy(const JsonFields& event, common::ExchangeVersion version) {
  if (version == common::ExchangeVersion::kV2) return Integer(event, "side") == 0;
  const bool buy = TextOf(event, "maker_asset_id") == "0";
  const bool sell = TextOf(event, "taker_asset_id") == "0";
  if (buy == sell) RefuseFill("assets", TextOf(event, "maker_asset_id"));
  return buy;
}

// v1 of the Data API writes proxyWallet where v2 writes proxy_wallet.
const std::string& Either(const JsonFields& row, std::string_view v2, std::string_view v1) {
  const std::string& text = TextOf(row, v2);
  return text.empty() ? TextOf(row, v1) : text;
}

// Side, version and role of a row that has its time. The rows do not say who the taker was. As a
// taker's, a row is in both kinds of list.
void SetSides(const std::string& side, RecordedFill& fill) {
  if (side != "BUY" && side != "SELL") RefuseFill("side", side);
  fill.side = side == "BUY" ? common::Side::kBuy : common::Side::kSell;
  fill.version =
      fill.ts > common::kV1Cutover ? common::ExchangeVersion::kV2 : common::ExchangeVersion::kV1;
  fill.taker = ExchangeOf(fill.version);
  fill.role = common::Role::kTaker;
}

}  // namespace

common::WalletAddress ExchangeOf(common::ExchangeVersion version) {
  return *common::WalletAddress::Parse(kExchanges[version == common::ExchangeVersion::kV2 ? 2 : 0]);
}

RecordedFill ReadChainEvent(const JsonFields& event, MarketBook& markets) {
  RecordedFill fill;
  const bool is_v2 = !TextOf(event, "token_id").empty();
  fill.version = is_v2 ? common::ExchangeVersion::kV2 : common::ExchangeVersion::kV1;
  const bool has_time = !TextOf(event, "timestamp").empty();
  fill.ts = has_time ? Integer(event, "timestamp") : TimeOfBlock(Integer(event, "block_number"));
  fill.wallet = ParseBytes<common::WalletAddress>(TextOf(event, "maker"), "maker");
  fill.taker = ParseBytes<common::WalletAddress>(TextOf(event, "taker"), "taker");
  fill.role = IsExchange(TextOf(event, "taker")) ? common::Role::kTaker : common::Role::kMaker;
  fill.tx = ParseBytes<common::TxHash>(TextOf(event, "transaction_hash"), "transaction");
  fill.order = ParseBytes<common::OrderHash>(TextOf(event, "order_hash"), "order hash");
  const std::int64_t given = Integer(event, "maker_amount_filled");
  const std::int64_t got = Integer(event, "taker_amount_filled");
  const bool buy = IsBuy(event, fill.version);
  fill.side = buy ? common::Side::kBuy : common::Side::kSell;
  fill.size = buy ? got : given;
  fill.usdc = buy ? given : got;
  fill.fee = Integer(event, "fee");
  if (fill.size == 0) RefuseFill("size", "0");
  TokenHint hint;
  const char* asset = buy ? "taker_asset_id" : "maker_asset_id";
  hint.decimal = TextOf(event, is_v2 ? "token_id" : asset);
  fill.token = markets.TokenFor(hint);
  return fill;
}

std::optional<RecordedFill> ReadDataRow(const JsonFields& row, MarketBook& markets) {
  const std::string& type = TextOf(row, "type");
  if (!type.empty() && type != "TRADE") return std::nullopt;
  RecordedFill fill;
  fill.ts = Integer(row, "timestamp");
  fill.wallet =
      ParseBytes<common::WalletAddress>(Either(row, "proxy_wallet", "proxyWallet"), "wallet");
  fill.tx =
      ParseBytes<common::TxHash>(Either(row, "transaction_hash", "transactionHash"), "transaction");
  SetSides(TextOf(row, "side"), fill);
  // What /trades tells is size and price. usdcSize of /activity has the fee in it.
  const std::string& size = TextOf(row, "size");
  const auto shares = common::ParseMillionths(size);
  const auto usdc = common::MultiplyDecimals(size, TextOf(row, "price"));
  if (!shares || *shares == 0) RefuseFill("size", size);
  if (!usdc) RefuseFill("price", TextOf(row, "price"));
  fill.size = *shares;
  fill.usdc = *usdc;
  fill.token = markets.TokenFor({Either(row, "token_id", "asset"),
                                 Either(row, "condition_id", "conditionId"), TextOf(row, "outcome"),
                                 TextOf(row, "title"), TextOf(row, "slug"), TextOf(row, "icon")});
  return fill;
}

RecordedFill ReadDomeOrder(const JsonFields& order, MarketBook& markets) {
  RecordedFill fill;
  fill.ts = Integer(order, "timestamp");
  fill.wallet = ParseBytes<common::WalletAddress>(TextOf(order, "user"), "wallet");
  fill.tx = ParseBytes<common::TxHash>(TextOf(order, "tx_hash"), "transaction");
  SetSides(TextOf(order, "side"), fill);
  // Shares are in millionths; the price is a quotient, so the product is rounded back to USDC.
  fill.size = Integer(order, "shares");
  const std::string shares = common::FormatMillionths(fill.size);
  const auto usdc = common::MultiplyDecimals(shares, TextOf(order, "price"));
  if (fill.size == 0) RefuseFill("size", "0");
  if (!usdc) RefuseFill("price", TextOf(order, "price"));
  fill.usdc = *usdc;
  fill.token = markets.TokenFor({TextOf(order, "token_id"), TextOf(order, "condition_id"),
                                 TextOf(order, "token_label"), TextOf(order, "title"),
                                 TextOf(order, "market_slug"), ""});
  return fill;
}

}  // namespace sim
