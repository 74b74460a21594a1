// {"orders": [{token_id, token_label, side, market_slug, condition_id, shares, shares_normalized,
// price, tx_hash, order_hash, timestamp, title, user, taker, ...}], "pagination": {limit, offset,
// total, has_more, pagination_key}}. Older answers have neither token_label nor taker; newer ones
// have block_number and log_index. shares is an integer of millionths.
#include "worker/sources/dome_page.h"

#include <charconv>
#include <limits>
#include <utility>

#include "common/contracts.h"
#include "common/decimal.h"
#include "worker/sources/data_api_list.h"
#include "worker/sources/order_filled.h"
#include "worker/sources/row_number.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kLongestKey = 4096;

struct DomeRow {
  std::string_view token;
  std::string_view label;
  std::string_view side;
  std::string_view condition;
  std::string_view shares;
  std::string_view price;
  std::string_view tx;
  std::string_view order;
  std::int64_t ts = 0;
  std::string_view user;
  std::string_view taker;
  std::int64_t log_index = -1;
};

// In the order of the wire, so that each field is found where the last one ended.
MaybeError ReadRow(ondemand::object& object, DomeRow& row) {
  if (auto error = Require(object, "token_id", row.token)) return error;
  if (auto error = Accept(object, "token_label", row.label)) return error;
  if (auto error = Require(object, "side", row.side)) return error;
  if (auto error = Accept(object, "condition_id", row.condition)) return error;
  if (auto error = RequireNumber(object, "shares", row.shares)) return error;
  if (auto error = RequireNumber(object, "price", row.price)) return error;
  if (auto error = Accept(object, "log_index", row.log_index)) return error;
  if (auto error = Require(object, "tx_hash", row.tx)) return error;
  if (auto error = Require(object, "timestamp", row.ts)) return error;
  if (auto error = Require(object, "order_hash", row.order)) return error;
  if (auto error = Require(object, "user", row.user)) return error;
  return Accept(object, "taker", row.taker);
}

common::Error NoTrade(const char* why) {
  return {common::ErrorKind::kMalformed, why};
}

std::optional<std::int64_t> WholeMillionths(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 0) return std::nullopt;
  return value;
}

common::Result<common::Trade> JudgeRow(const DomeRow& row,
                                       const std::optional<common::TokenId>& token) {
  if (row.side != "BUY" && row.side != "SELL") return NoTrade("its side is neither BUY nor SELL");
  if (!token) return NoTrade("its token id is no 256-bit number");
  const auto shares = WholeMillionths(row.shares);
  const auto price = RowNumber::Parse(row.price);
  if (!shares || !price) return NoTrade("its shares or its price are no amount");
  if (*shares == 0) return NoTrade("it has no shares");
  const std::string normalized = common::FormatMillionths(*shares);
  const auto usdc = ProductMillionths(RowNumber::Parse(normalized).value(), *price);
  if (!usdc) return NoTrade("its price is beyond any balance");
  common::Trade trade;
  trade.ts = row.ts;
  trade.token = *token;
  trade.size = *shares;
  trade.usdc = *usdc;
  trade.side = row.side == "BUY" ? common::Side::kBuy : common::Side::kSell;
  trade.source = common::Source::kDome;
  trade.version =
      row.ts <= common::kV1Cutover ? common::ExchangeVersion::kV1 : common::ExchangeVersion::kV2;
  if (const auto taker = common::WalletAddress::Parse(row.taker)) {
    trade.role = common::IsExchange(*taker) ? common::Role::kTaker : common::Role::kMaker;
  }
  if (row.log_index >= 0 && row.log_index <= std::numeric_limits<std::int32_t>::max()) {
    trade.log_index = static_cast<std::int32_t>(row.log_index);
  }
  return trade;
}

MaybeError ReadOrder(ondemand::object& object, std::vector<DomeOrder>& orders) {
  DomeRow row;
  if (auto error = ReadRow(object, row)) return error;
  const auto user = common::WalletAddress::Parse(row.user);
  const auto tx = common::TxHash::Parse(row.tx);
  const auto order = common::OrderHash::Parse(row.order);
  if (!user) return BadRow("user");
  if (!tx) return BadRow("tx_hash");
  if (!order) return BadRow("order_hash");
  const auto token = common::TokenId::ParseDecimal(row.token);
  common::Result<common::Trade> trade = JudgeRow(row, token);
  if (trade) {
    trade->tx = *tx;
    trade->event_key = EventKeyOf(*order);
  }
  orders.push_back({*user, row.ts, std::move(trade), {}});
  if (token) {
    orders.back().hint = {
        *token, common::ParseConditionId(row.condition), std::string(row.label), {}};
  }
  return std::nullopt;
}

struct MoreOf {
  std::optional<bool> has_more;
  std::string key;
};

MaybeError ReadMore(ondemand::value value, MoreOf& more) {
  ondemand::object object;
  if (const auto code = value.get_object().get(object)) return BrokenJson(code);
  bool has_more = false;
  std::string_view key;
  if (auto error = Require(object, "has_more", has_more)) return error;
  if (auto error = Accept(object, "pagination_key", key)) return error;
  more.has_more = has_more;
  more.key = key;
  return std::nullopt;
}

}  // namespace

common::Result<DomePage> ReadDomePage(JsonText& json, std::string_view body) {
  ondemand::document document;
  ondemand::object root;
  if (const auto code = json.Open(body).get(document)) return BrokenJson(code);
  if (const auto code = document.get_object().get(root)) return BrokenJson(code);
  DomePage page;
  MoreOf more;
  std::size_t count = 0;
  bool has_orders = false;
  const auto read_order = [&page](ondemand::object& order) {
    return ReadOrder(order, page.orders);
  };
  for (auto field : root) {
    std::string_view key;
    ondemand::value value;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "error") return ErrorBeside200(body);
    if (key != "orders" && key != "pagination") continue;
    const bool is_orders = key == "orders";
    if (is_orders && std::exchange(has_orders, true)) return Implausible("two lists of orders");
    if (const auto code = field.value().get(value)) return BrokenJson(code);
    MaybeError error =
        is_orders ? ReadRows(value, kDomePageSize, count, read_order) : ReadMore(value, more);
    if (error) return *error;
  }
  if (!AtEnd(document)) return Implausible("text after the JSON");
  if (!has_orders) return Implausible("no orders");
  if (!more.has_more) return Implausible("it does not say whether there is more");
  if (*more.has_more && page.orders.empty()) return Implausible("no orders and yet there is more");
  if (more.key.size() > kLongestKey) return Implausible("its pagination_key");
  page.has_more = *more.has_more;
  page.pagination_key = std::move(more.key);
  return page;
}

}  // namespace worker::sources
