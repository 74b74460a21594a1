#include "worker/sources/positions_page.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/data_api_list.h"
#include "worker/sources/tally.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kPositionsPageSize = 1000;

struct AmountField {
  const char* name;
  std::optional<std::int64_t> Position::*member;
};
constexpr std::array<AmountField, 9> kAmounts{{
    {"current_size", &Position::size},
    {"avg_price", &Position::avg_price},
    {"entry_cost_usdc", &Position::entry_cost},
    {"entry_fees_usdc", &Position::entry_fees},
    {"current_price", &Position::current_price},
    {"current_value", &Position::current_value},
    {"total_size", &Position::total_size},
    {"realized_pnl", &Position::realized_pnl},
    {"unrealized_pnl", &Position::unrealized_pnl},
}};

MaybeError ReadAmount(ondemand::object& row, const AmountField& field, Position& position) {
  ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered(field.name).get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;
  const auto text = NumberText(value);
  position.*field.member = text ? SignedMillionths(*text) : std::nullopt;
  if (!(position.*field.member)) return BadRow(field.name);
  return std::nullopt;
}

MaybeError ReadPosition(ondemand::object& row, Position& position, std::string_view& token) {
  std::string_view wallet;
  std::string_view condition;
  std::string_view status;
  std::string_view outcome;
  std::int64_t outcome_index = kNotLabelled;
  if (auto error = Require(row, "proxy_wallet", wallet)) return error;
  if (auto error = Require(row, "token_id", token)) return error;
  if (auto error = Accept(row, "condition_id", condition)) return error;
  for (const AmountField& field : kAmounts) {
    if (auto error = ReadAmount(row, field, position)) return error;
  }
  if (auto error = Accept(row, "status", status)) return error;
  if (auto error = Accept(row, "outcome", outcome)) return error;
  if (auto error = Accept(row, "outcome_index", outcome_index)) return error;
  if (auto error = Accept(row, "last_event_at", position.last_event_at)) return error;
  if (auto error = Accept(row, "first_entry_at", position.first_entry_at)) return error;
  const auto address = common::WalletAddress::Parse(wallet);
  if (!address) return BadRow("proxy_wallet");
  position.wallet = *address;
  position.condition = common::ParseConditionId(condition);
  position.status = status;
  position.outcome = outcome;
  position.outcome_index = OutcomeIndex(outcome_index);
  return std::nullopt;
}

class PositionReader {
 public:
  explicit PositionReader(const PositionsQuery& query) : query_(query) {}

  MaybeError Read(ondemand::object& row) {
    Position position;
    std::string_view text;
    if (auto error = ReadPosition(row, position, text)) return error;
    if (query_.wallet && position.wallet != *query_.wallet) {
      return Implausible("a row of " + position.wallet.ToString());
    }
    if (query_.condition && position.condition && position.condition != query_.condition) {
      return Implausible("a row of condition " + position.condition->ToString());
    }
    AddBytes(hash_, position.wallet.bytes);
    for (const char c : text) hash_.Add(static_cast<unsigned char>(c));
    const auto token = common::TokenId::ParseDecimal(text);
    if (!token) {
      page_.refused.push_back(fmt::format("a position of {}: its token id {} is no 256-bit number",
                                          position.wallet.ToString(), Evidence(text)));
      return std::nullopt;
    }
    position.token = *token;
    page_.positions.push_back(std::move(position));
    return std::nullopt;
  }

  PositionsPage Finish(std::size_t rows, std::string next_cursor) {
    page_.end = {rows, hash_.value(), std::move(next_cursor)};
    return std::move(page_);
  }

 private:
  const PositionsQuery& query_;
  PositionsPage page_;
  StableHash hash_;
};

const char* WordOf(PositionStatus status) {
  switch (status) {
    case PositionStatus::kOpen:
      return "OPEN";
    case PositionStatus::kClosed:
      return "CLOSED";
    case PositionStatus::kLost:
      return "REDEEMABLE_LOST";
  }
  return "OPEN";
}

}  // namespace

HttpRequest PositionsRequest(const std::string& data_url, const PositionsQuery& query,
                             std::string_view position) {
  std::string url = fmt::format("{}/positions?status={}&limit={}", data_url, WordOf(query.status),
                                kPositionsPageSize);
  if (query.wallet) url += "&user=" + query.wallet->ToString();
  if (query.condition) url += "&condition=" + query.condition->ToString();
  const PageEnd before = DecodePageEnd(position);
  if (!before.next_cursor.empty()) url += "&cursor=" + EscapeQuery(before.next_cursor);
  return {.endpoint = Endpoint::kDataOther, .url = std::move(url), .body = {}};
}

common::Result<PositionsPage> ParsePositionsPage(const PositionsQuery& query,
                                                 std::string_view position, std::string_view body) {
  JsonText json;
  PositionReader reader(query);
  Pagination pagination;
  std::size_t rows = 0;
  const auto read_row = [&reader](ondemand::object& row) {
    return reader.Read(row);
  };
  const auto read_data = [&](ondemand::value data) {
    return ReadRows(data, kPositionsPageSize, rows, read_row);
  };
  const PageEnd before = DecodePageEnd(position);
  if (auto error = ReadEnvelope(json, body, pagination, read_data)) return *error;
  if (auto error = CheckPagination(pagination, before.next_cursor, rows)) return *error;
  PositionsPage page = reader.Finish(rows, std::move(pagination.next_cursor));
  if (auto error = StandsStill(before, page.end)) return *error;
  return page;
}

HttpRequest ValueRequest(const std::string& data_url, const common::WalletAddress& wallet) {
  return {.endpoint = Endpoint::kDataOther,
          .url = data_url + "/value?user=" + wallet.ToString(),
          .body = {}};
}

common::Result<std::optional<std::int64_t>> ParseValue(const common::WalletAddress& wallet,
                                                       std::string_view body) {
  JsonText json;
  Pagination none;
  std::optional<std::int64_t> value;
  const auto read_data = [&](ondemand::value data) -> MaybeError {
    ondemand::json_type type{};
    if (const auto code = data.type().get(type)) return BrokenJson(code);
    if (type == ondemand::json_type::null) return std::nullopt;
    ondemand::object object;
    if (const auto code = data.get_object().get(object)) return BrokenJson(code);
    std::string_view owner;
    std::string_view text;
    if (auto error = Require(object, "proxy_wallet", owner)) return error;
    if (common::WalletAddress::Parse(owner) != wallet) return Implausible("another wallet's value");
    if (auto error = RequireNumber(object, "value", text)) return error;
    value = SignedMillionths(text);
    if (!value) return BadRow("value");
    return std::nullopt;
  };
  if (auto error = ReadEnvelope(json, body, none, read_data)) return *error;
  return value;
}

}  // namespace worker::sources
