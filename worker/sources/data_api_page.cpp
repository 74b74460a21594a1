#include "worker/sources/data_api_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/error_body.h"
#include "worker/sources/json_text.h"
#include "worker/sources/row_number.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;
using common::ErrorKind;
using MaybeError = std::optional<common::Error>;

constexpr std::size_t kMostRows = 1000;  // as many as were asked for
constexpr std::int64_t kNotLabelled = 999;

common::Error BrokenJson(simdjson::error_code code) {
  return {common::ErrorKind::kTransient,
          std::string("the answer is no complete JSON: ") + simdjson::error_message(code)};
}

common::Error Implausible(const std::string& why) {
  return {common::ErrorKind::kTransient, "the page cannot be right: " + why};
}

common::Error BadRow(const char* field) {
  return {common::ErrorKind::kMalformed, std::string("a row cannot be read: ") + field};
}

template <std::size_t N>
void AddBytes(StableHash& hash, const std::array<std::uint8_t, N>& bytes) {
  static_assert(N % 8 == 0);
  for (std::size_t at = 0; at < N; at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word = word << 8U | bytes[at + i];
    hash.Add(word);
  }
}

// The tokens of one page by their decimal text: many rows share one, and reading 77 digits is the
// dearest part of a row.
class TokenTable {
 public:
  explicit TokenTable(std::vector<TokenHint>& hints) : hints_(hints) { buckets_.fill(0); }

  // The index of the token's hint, made on first sight; nothing where the text is no token id. The
  // text must stay where it is.
  std::optional<std::size_t> Find(std::string_view text) {
    std::size_t at = HashOf(text) % kBuckets;
    for (; buckets_[at] != 0; at = (at + 1) % kBuckets) {
      if (texts_[buckets_[at] - 1U] == text) return buckets_[at] - 1U;
    }
    const std::optional<common::TokenId> token = common::TokenId::ParseDecimal(text);
    if (!token || texts_.size() == kMostRows) return std::nullopt;
    texts_.push_back(text);
    hints_.push_back({.token = *token, .condition = {}, .outcome = {}, .outcome_index = {}});
    buckets_[at] = static_cast<std::uint16_t>(texts_.size());
    return texts_.size() - 1;
  }

 private:
  static constexpr std::size_t kBuckets = 4096;

  static std::size_t HashOf(std::string_view text) {
    StableHash hash;
    for (std::size_t at = 0; at < text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
      hash.Add(word);
    }
    return hash.value();
  }

  std::vector<TokenHint>& hints_;
  std::vector<std::string_view> texts_;
  std::array<std::uint16_t, kBuckets> buckets_;
};

// What a row says, as texts and numbers of the document.
struct Row {
  std::string_view wallet;
  std::string_view side;
  std::string_view token;
  std::string_view size;
  std::string_view price;
  std::string_view tx;
  std::int64_t ts = 0;
  std::string_view condition;  // these three may be missing
  std::string_view outcome;
  std::int64_t outcome_index = kNotLabelled;
};

// Reads a required field; `name` is told in the error.
template <typename T>
MaybeError Require(ondemand::object& row, const char* name, T& out) {
  const simdjson::error_code code = row.find_field_unordered(name).get(out);
  if (code == simdjson::SUCCESS) return std::nullopt;
  if (code == simdjson::INCORRECT_TYPE || code == simdjson::NO_SUCH_FIELD) return BadRow(name);
  return BrokenJson(code);
}

MaybeError RequireNumber(ondemand::object& row, const char* name, std::string_view& out) {
  ondemand::value value;
  if (MaybeError error = Require(row, name, value)) return error;
  const std::optional<std::string_view> text = NumberText(value);
  if (!text) return BadRow(name);
  out = *text;
  return std::nullopt;
}

// A missing, null or oddly typed field leaves `out` as it is.
template <typename T>
MaybeError Accept(ondemand::object& row, const char* name, T& out) {
  ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered(name).get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  T read{};
  if (value.get(read) == simdjson::SUCCESS) out = read;
  return std::nullopt;
}

// A number that was garbled on the way, unlike a negative one, is no statement of the upstream.
bool IsNumber(std::string_view text) {
  if (text.front() == '-') text.remove_prefix(1);
  return RowNumber::Parse(text).has_value();
}

// In the order of the wire, so that each field is found where the last one ended.
MaybeError ReadRow(ondemand::object& object, Row& row) {
  if (auto error = Require(object, "proxy_wallet", row.wallet)) return error;
  if (auto error = Require(object, "side", row.side)) return error;
  if (auto error = Require(object, "token_id", row.token)) return error;
  if (auto error = Accept(object, "condition_id", row.condition)) return error;
  if (auto error = RequireNumber(object, "size", row.size)) return error;
  if (auto error = RequireNumber(object, "price", row.price)) return error;
  if (auto error = Require(object, "timestamp", row.ts)) return error;
  if (auto error = Accept(object, "outcome", row.outcome)) return error;
  if (auto error = Accept(object, "outcome_index", row.outcome_index)) return error;
  return Require(object, "transaction_hash", row.tx);
}

// Turns rows into trades, in order, and keeps the walk's tally.
class RowJudge {
 public:
  RowJudge(const common::WalletAddress& wallet, DataApiPosition& position, DataApiPage& page)
      : wallet_(wallet), position_(position), page_(page), tokens_(page.hints) {}

  MaybeError Judge(const Row& row) {
    if (auto error = CheckPlace(row)) return error;
    const auto tx = common::TxHash::Parse(row.tx);
    if (!tx) return BadRow("transaction_hash");
    if (!IsNumber(row.size)) return BadRow("size");
    if (!IsNumber(row.price)) return BadRow("price");
    const auto size = RowNumber::Parse(row.size);
    const auto price = RowNumber::Parse(row.price);
    const std::optional<std::size_t> token = tokens_.Find(row.token);
    const bool is_buy = row.side == "BUY";
    StableHash page_hash;
    page_hash.Add(page_hash_).Add(static_cast<std::uint64_t>(row.ts));
    AddBytes(page_hash, tx->bytes);
    page_hash_ = page_hash.value();
    if (!is_buy && row.side != "SELL") return Refuse(row, "its side is neither BUY nor SELL");
    if (!token) return Refuse(row, "its token id is no 256-bit number");
    if (!size || !price) return Refuse(row, "its size or price is negative");
    const auto shares = size->Millionths();
    const auto usdc = ProductMillionths(*size, *price);
    if (!shares || !usdc) return Refuse(row, "its size or price is beyond any balance");
    if (*shares == 0) return Refuse(row, "it has no shares");
    Learn(page_.hints[*token], row);

    common::Trade& trade = page_.trades.emplace_back();
    trade.ts = row.ts;
    trade.tx = *tx;
    trade.token = page_.hints[*token].token;
    trade.size = *shares;
    trade.usdc = *usdc;
    trade.side = is_buy ? common::Side::kBuy : common::Side::kSell;
    trade.source = common::Source::kDataApi;
    trade.version =
        row.ts <= common::kV1Cutover ? common::ExchangeVersion::kV1 : common::ExchangeVersion::kV2;
    trade.event_key = EventKey(trade, *size, *price);
    return std::nullopt;
  }

  std::uint64_t page_hash() const { return page_hash_; }

 private:
  MaybeError CheckPlace(const Row& row) {
    const auto wallet = common::WalletAddress::Parse(row.wallet);
    if (!wallet) return BadRow("proxy_wallet");
    if (*wallet != wallet_) return Implausible("a row of " + wallet->ToString());
    if (row.ts > position_.boundary) return Implausible("its rows repeat or are not in order");
    if (row.ts < position_.floor) return Implausible("a row from before the asked time");
    if (row.ts != position_.boundary) {
      position_.boundary = row.ts;
      position_.tally.Clear();
    }
    return std::nullopt;
  }

  // A head that is read again after its walk must not hide what the walk refused further down.
  MaybeError Refuse(const Row& row, const char* why) {
    page_.refused.push_back(fmt::format(
        "row at {} in {}: {} (side {}, token {}, size {}, price {})", row.ts, Evidence(row.tx), why,
        Evidence(row.side), Evidence(row.token), Evidence(row.size), Evidence(row.price)));
    const bool is_oldest = position_.oldest_refused == 0 || row.ts < position_.oldest_refused;
    if (is_oldest) position_.oldest_refused = row.ts;
    return std::nullopt;
  }

  // Fresh rows are not labelled yet; any row that is tells the token's outcome.
  static void Learn(TokenHint& hint, const Row& row) {
    if (!hint.condition) hint.condition = common::ParseConditionId(row.condition);
    if (hint.outcome.empty()) hint.outcome = row.outcome;
    if (!hint.outcome_index && row.outcome_index >= 0 && row.outcome_index < kNotLabelled) {
      hint.outcome_index = static_cast<int>(row.outcome_index);
    }
  }

  // Two rows of one transaction are equal if these are; then their ordinals tell them apart. In
  // which order equal rows come does not matter, because they are equal.
  std::int64_t EventKey(const common::Trade& trade, const RowNumber& size, const RowNumber& price) {
    StableHash row;
    AddBytes(row, trade.token.bytes);
    row.Add(static_cast<std::uint64_t>(trade.side));
    row.Add(size.digits).Add(static_cast<std::uint64_t>(std::int64_t{size.exponent}));
    row.Add(price.digits).Add(static_cast<std::uint64_t>(std::int64_t{price.exponent}));
    StableHash in_tx = row;
    AddBytes(in_tx, trade.tx.bytes);
    const std::uint32_t ordinal = position_.tally.Count(in_tx.value());
    const std::uint64_t key = row.Add(ordinal).value();
    page_hash_ = StableHash().Add(page_hash_).Add(in_tx.value()).value();
    std::int64_t result = 0;
    std::memcpy(&result, &key, sizeof result);
    return result;
  }

  const common::WalletAddress& wallet_;
  DataApiPosition& position_;
  DataApiPage& page_;
  TokenTable tokens_;
  std::uint64_t page_hash_ = 0;
};

MaybeError ReadRows(ondemand::value data, RowJudge& judge, std::size_t& count) {
  ondemand::json_type type{};
  if (const auto code = data.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;  // a wallet that is not known
  ondemand::array rows;
  if (const auto code = data.get_array().get(rows)) return BrokenJson(code);
  for (auto element : rows) {
    ondemand::object object;
    if (const auto code = element.get_object().get(object)) return BrokenJson(code);
    if (++count > kMostRows) return Implausible("more rows than were asked for");
    Row row;
    if (auto error = ReadRow(object, row)) return error;
    if (auto error = judge.Judge(row)) return error;
  }
  return std::nullopt;
}

struct Pagination {
  std::optional<bool> has_more;
  std::string next_cursor;
};

MaybeError ReadPagination(ondemand::value value, Pagination& pagination) {
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;
  ondemand::object object;
  if (const auto code = value.get_object().get(object)) return BrokenJson(code);
  for (auto field : object) {
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "has_more") {
      bool has_more = false;
      if (const auto code = field.value().get_bool().get(has_more)) return BrokenJson(code);
      pagination.has_more = has_more;
    } else if (key == "next_cursor") {
      ondemand::value cursor;
      if (const auto code = field.value().get(cursor)) return BrokenJson(code);
      if (const auto code = cursor.type().get(type)) return BrokenJson(code);
      if (type == ondemand::json_type::null) continue;
      std::string_view text;
      if (const auto code = cursor.get_string().get(text)) return BrokenJson(code);
      pagination.next_cursor = text;
    }
  }
  return std::nullopt;
}

// has_more is exact and next_cursor is null on the last page: whatever contradicts itself is no
// proof that the walk is over, nor that it goes on.
MaybeError CheckPagination(const Pagination& pagination, const DataApiPosition& position,
                           std::size_t rows) {
  if (!pagination.has_more) {
    if (rows == 0 && position.next_cursor.empty()) return std::nullopt;
    return Implausible("it does not say whether there is more");
  }
  if (rows == 0 && !position.next_cursor.empty()) {
    return Implausible("no rows although there were more");
  }
  if (!*pagination.has_more) {
    if (pagination.next_cursor.empty()) return std::nullopt;
    return Implausible("there is no more, and yet a next_cursor");
  }
  if (rows == 0) return Implausible("no rows and yet there is more");
  if (pagination.next_cursor.empty()) return Implausible("there is more, but no next_cursor");
  if (pagination.next_cursor.size() > kLongestNextCursor) return Implausible("its next_cursor");
  if (pagination.next_cursor == position.next_cursor) return Implausible("its cursor stands still");
  return std::nullopt;
}

MaybeError ReadDocument(JsonText& json, std::string_view body, RowJudge& judge, std::size_t& rows,
                        Pagination& pagination) {
  ondemand::document document;
  ondemand::object root;
  if (const auto code = json.Open(body).get(document)) return BrokenJson(code);
  if (const auto code = document.get_object().get(root)) return BrokenJson(code);
  bool has_data = false;
  for (auto field : root) {
    std::string_view key;
    ondemand::value value;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "error") {
      // A refusal comes with a status of its own; beside a 200 it proves nothing about the wallet.
      auto told = ParseErrorBody(body).value_or(common::Error{ErrorKind::kTransient, "error"});
      if (told.kind == ErrorKind::kRejected) told.kind = ErrorKind::kTransient;
      return told;
    }
    if (key != "data" && key != "pagination") continue;
    const bool is_data = key == "data";
    if (is_data && std::exchange(has_data, true)) return Implausible("two lists of rows");
    if (const auto code = field.value().get(value)) return BrokenJson(code);
    MaybeError error = is_data ? ReadRows(value, judge, rows) : ReadPagination(value, pagination);
    if (error) return error;
  }
  if (!AtEnd(document)) return Implausible("text after the JSON");
  if (!has_data) return Implausible("no data");
  return std::nullopt;
}

std::optional<common::UnixSeconds> ReadSeconds(ondemand::object& object, const char* name) {
  double seconds = 0;
  if (object.find_field_unordered(name).get_double().get(seconds)) return std::nullopt;
  constexpr double kLongest = 1e9;
  return static_cast<common::UnixSeconds>(std::ceil(std::clamp(seconds, 0.0, kLongest)));
}

}  // namespace

common::Result<DataApiPage> ReadDataApiPage(JsonText& json, std::string_view body,
                                            const common::WalletAddress& wallet,
                                            DataApiPosition& position) {
  DataApiPage page;
  page.trades.reserve(kMostRows);
  DataApiPosition next = position;
  RowJudge judge(wallet, next, page);
  std::size_t rows = 0;
  Pagination pagination;
  if (auto error = ReadDocument(json, body, judge, rows, pagination)) return *error;
  if (auto error = CheckPagination(pagination, position, rows)) return *error;
  if (rows > 0 && judge.page_hash() == position.page_hash) return Implausible("it repeats");
  if (next.tally.size() > kLargestTally) return Implausible("too many fills in one second");

  page.unknown_wallet = !pagination.has_more.has_value();
  page.has_more = pagination.has_more.value_or(false);
  page.next_cursor = pagination.next_cursor;
  next.page_hash = judge.page_hash();
  next.next_cursor = std::move(pagination.next_cursor);
  position = std::move(next);
  return page;
}

common::Result<common::UnixSeconds> ReadDataApiLag(JsonText& json, std::string_view body) {
  if (auto error = ParseErrorBody(body)) return *error;
  ondemand::document document;
  ondemand::object status;
  if (const auto code = json.Open(body).get(document)) return BrokenJson(code);
  if (const auto code = document["data"].get_object().get(status)) return BrokenJson(code);
  const auto age = ReadSeconds(status, "age_seconds");
  ondemand::object serving;
  if (const auto code = status.find_field_unordered("serving").get_object().get(serving)) {
    return BrokenJson(code);
  }
  const auto lag = ReadSeconds(serving, "lag_seconds");
  if (!age || !lag) return Implausible("it does not say how old it is");
  return *age + *lag;
}

}  // namespace worker::sources
