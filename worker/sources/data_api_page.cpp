#include "worker/sources/data_api_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/data_api_walk.h"
#include "worker/sources/row_number.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

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
    if (!token || texts_.size() == kFeedPageSize) return std::nullopt;
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
struct TradeRow {
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

// A number that was garbled on the way, unlike a negative one, is no statement of the upstream.
bool IsNegative(std::string_view text) {
  return text.front() == '-' && RowNumber::Parse(text.substr(1)).has_value();
}

// In the order of the wire, so that each field is found where the last one ended.
MaybeError ReadRow(ondemand::object& object, TradeRow& row) {
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
class TradeJudge {
 public:
  TradeJudge(const DataApiFeed& feed, DataApiPosition& position, DataApiPage& page)
      : feed_(feed), position_(position), page_(page), tokens_(page.hints) {}

  MaybeError Judge(const TradeRow& row) {
    const auto wallet = common::WalletAddress::Parse(row.wallet);
    if (!wallet) return BadRow("proxy_wallet");
    if (auto error = CheckPlace(row, *wallet)) return error;
    const auto tx = common::TxHash::Parse(row.tx);
    if (!tx) return BadRow("transaction_hash");
    const auto size = RowNumber::Parse(row.size);
    if (!size && !IsNegative(row.size)) return BadRow("size");
    const auto price = RowNumber::Parse(row.price);
    if (!price && !IsNegative(row.price)) return BadRow("price");
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
    trade.event_key = EventKey(trade, *wallet, *size, *price);
    if (!feed_.wallet) page_.wallets.push_back(*wallet);
    return std::nullopt;
  }

  std::uint64_t page_hash() const { return page_hash_; }

 private:
  MaybeError CheckPlace(const TradeRow& row, const common::WalletAddress& wallet) {
    if (feed_.wallet && wallet != *feed_.wallet) {
      return Implausible("a row of " + wallet.ToString());
    }
    if (feed_.condition && !row.condition.empty() &&
        common::ParseConditionId(row.condition) != feed_.condition) {
      return Implausible("a row of condition " + Evidence(row.condition));
    }
    return TakeSecond(position_, row.ts);
  }

  MaybeError Refuse(const TradeRow& row, const char* why) {
    page_.refused.push_back(fmt::format(
        "row at {} in {}: {} (side {}, token {}, size {}, price {})", row.ts, Evidence(row.tx), why,
        Evidence(row.side), Evidence(row.token), Evidence(row.size), Evidence(row.price)));
    NoteRefused(position_, row.ts);
    return std::nullopt;
  }

  // Fresh rows are not labelled yet; any row that is tells the token's outcome.
  static void Learn(TokenHint& hint, const TradeRow& row) {
    if (!hint.condition) hint.condition = common::ParseConditionId(row.condition);
    if (hint.outcome.empty()) hint.outcome = row.outcome;
    if (!hint.outcome_index) hint.outcome_index = OutcomeIndex(row.outcome_index);
  }

  // Two rows of one transaction are equal if these are; then their ordinals tell them apart. In
  // which order equal rows come does not matter, because they are equal.
  std::int64_t EventKey(const common::Trade& trade, const common::WalletAddress& wallet,
                        const RowNumber& size, const RowNumber& price) {
    StableHash row;
    AddBytes(row, trade.token.bytes);
    row.Add(static_cast<std::uint64_t>(trade.side));
    row.Add(size.digits).Add(static_cast<std::uint64_t>(std::int64_t{size.exponent}));
    row.Add(price.digits).Add(static_cast<std::uint64_t>(std::int64_t{price.exponent}));
    StableHash in_tx = row;
    AddBytes(in_tx, trade.tx.bytes);
    if (!feed_.wallet) AddBytes(in_tx, wallet.bytes);
    const std::uint32_t ordinal = position_.tally.Count(in_tx.value());
    const std::uint64_t key = row.Add(ordinal).value();
    page_hash_ = StableHash().Add(page_hash_).Add(in_tx.value()).value();
    std::int64_t result = 0;
    std::memcpy(&result, &key, sizeof result);
    return result;
  }

  const DataApiFeed& feed_;
  DataApiPosition& position_;
  DataApiPage& page_;
  TokenTable tokens_;
  std::uint64_t page_hash_ = 0;
};

std::optional<common::UnixSeconds> ReadSeconds(ondemand::object& object, const char* name) {
  double seconds = 0;
  if (object.find_field_unordered(name).get_double().get(seconds)) return std::nullopt;
  constexpr double kLongest = 1e9;
  return static_cast<common::UnixSeconds>(std::ceil(std::clamp(seconds, 0.0, kLongest)));
}

}  // namespace

common::Result<DataApiPage> ReadDataApiPage(JsonText& json, std::string_view body,
                                            const DataApiFeed& feed, DataApiPosition& position) {
  DataApiPage page;
  page.trades.reserve(kFeedPageSize);
  DataApiPosition next = position;
  TradeJudge judge(feed, next, page);
  std::size_t rows = 0;
  Pagination pagination;
  const auto read_row = [&judge](ondemand::object& object) -> MaybeError {
    TradeRow row;
    if (auto error = ReadRow(object, row)) return error;
    return judge.Judge(row);
  };
  const auto read_data = [&](ondemand::value data) {
    return ReadRows(data, kFeedPageSize, rows, read_row);
  };
  if (auto error = ReadEnvelope(json, body, pagination, read_data)) return *error;
  if (auto error = CheckPagination(pagination, position.next_cursor, rows)) return *error;
  // A few equal rows may well follow on as many others.
  const bool repeats = rows >= kRowsOfARepeat && judge.page_hash() == position.page_hash;
  if (repeats) return Implausible("it repeats");
  if (next.tally.size() > kLargestTally) return Implausible("too many fills in one second");

  page.is_empty = rows == 0;
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
