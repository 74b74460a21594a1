#include "worker/sources/activity_page.h"

#include <array>
#include <cstring>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "worker/sources/data_api_walk.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::array<const char*, 13> kKinds{
    "SPLIT",     "MERGE",        "REDEEM",       "REWARD",          "CONVERSION",
    "MIGRATION", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "YIELD",
    "DEPOSIT",   "WITHDRAWAL",   "TIP"};

struct ActivityRow {
  std::string_view wallet;
  std::int64_t ts = 0;
  std::string_view condition;
  std::string_view kind;
  std::string_view size = "0";
  std::string_view usdc = "0";
  std::string_view tx;
  std::string_view token;
  std::int64_t outcome_index = kNotLabelled;
  std::string_view outcome;
};

// In the order of the wire, so that each field is found where the last one ended.
MaybeError ReadRow(ondemand::object& object, ActivityRow& row) {
  if (auto error = Require(object, "proxy_wallet", row.wallet)) return error;
  if (auto error = Require(object, "timestamp", row.ts)) return error;
  if (auto error = Accept(object, "condition_id", row.condition)) return error;
  if (auto error = Require(object, "type", row.kind)) return error;
  if (auto error = AcceptNumber(object, "size", row.size)) return error;
  if (auto error = AcceptNumber(object, "usdc_size", row.usdc)) return error;
  if (auto error = Accept(object, "transaction_hash", row.tx)) return error;
  if (auto error = Accept(object, "token_id", row.token)) return error;
  if (auto error = Accept(object, "outcome_index", row.outcome_index)) return error;
  return Accept(object, "outcome", row.outcome);
}

class ActivityJudge {
 public:
  ActivityJudge(const common::WalletAddress& wallet, DataApiPosition& position, ActivityPage& page)
      : wallet_(wallet), position_(position), page_(page) {}

  MaybeError Judge(const ActivityRow& row) {
    const auto wallet = common::WalletAddress::Parse(row.wallet);
    if (!wallet) return BadRow("proxy_wallet");
    if (*wallet != wallet_) return Implausible("a row of " + wallet->ToString());
    if (auto error = TakeSecond(position_, row.ts)) return error;
    Activity activity;
    activity.ts = row.ts;
    if (!row.tx.empty()) {
      const auto tx = common::TxHash::Parse(row.tx);
      if (!tx) return BadRow("transaction_hash");
      activity.tx = *tx;
    }
    page_hash_ = StableHash().Add(page_hash_).Add(static_cast<std::uint64_t>(row.ts)).value();
    if (row.kind == "TRADE") return std::nullopt;  // not asked for, and told by /trades
    const auto kind = ParseActivityKind(row.kind);
    const auto size = SignedMillionths(row.size);
    const auto usdc = SignedMillionths(row.usdc);
    if (!kind) return Refuse(row, "its type is not known");
    if (!size || !usdc) return Refuse(row, "its size is beyond any balance");
    activity.kind = *kind;
    activity.size = *size;
    activity.usdc = *usdc;
    activity.condition = common::ParseConditionId(row.condition);
    activity.token = common::TokenId::ParseDecimal(row.token);
    if (!activity.token && !row.token.empty()) {
      return Refuse(row, "its token id is no 256-bit number");
    }
    activity.event_key = EventKey(activity);
    if (activity.token) Learn(activity, row);
    page_.rows.push_back(activity);
    return std::nullopt;
  }

  std::uint64_t page_hash() const { return page_hash_; }

 private:
  MaybeError Refuse(const ActivityRow& row, const char* why) {
    page_.refused.push_back(fmt::format("{} at {} in {}: {} (size {}, usdc {})", Evidence(row.kind),
                                        row.ts, Evidence(row.tx), why, Evidence(row.size),
                                        Evidence(row.usdc)));
    NoteRefused(position_, row.ts);
    return std::nullopt;
  }

  void Learn(const Activity& activity, const ActivityRow& row) {
    if (!seen_.insert(*activity.token).second) return;
    page_.hints.push_back({*activity.token, activity.condition, std::string(row.outcome),
                           OutcomeIndex(row.outcome_index)});
  }

  std::int64_t EventKey(const Activity& activity) {
    StableHash row;
    row.Add(static_cast<std::uint64_t>(activity.kind));
    AddBytes(row, activity.condition.value_or(common::ConditionId{}).bytes);
    AddBytes(row, activity.token.value_or(common::TokenId{}).bytes);
    row.Add(static_cast<std::uint64_t>(activity.size));
    row.Add(static_cast<std::uint64_t>(activity.usdc));
    StableHash in_tx = row;
    AddBytes(in_tx, activity.tx.bytes);
    const std::uint32_t ordinal = position_.tally.Count(in_tx.value());
    page_hash_ = StableHash().Add(page_hash_).Add(in_tx.value()).value();
    const std::uint64_t key = row.Add(ordinal).value();
    std::int64_t result = 0;
    std::memcpy(&result, &key, sizeof result);
    return result;
  }

  const common::WalletAddress& wallet_;
  DataApiPosition& position_;
  ActivityPage& page_;
  std::set<common::TokenId> seen_;
  std::uint64_t page_hash_ = 0;
};

}  // namespace

const char* ToString(ActivityKind kind) {
  return kKinds[static_cast<std::size_t>(kind) - 1];
}

std::optional<ActivityKind> ParseActivityKind(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (text == kKinds[i]) return static_cast<ActivityKind>(i + 1);
  }
  return std::nullopt;
}

HttpRequest ActivityRequest(const std::string& data_url, const common::WalletAddress& wallet,
                            const common::Cursor& cursor) {
  std::string kinds;
  for (const char* kind : kKinds) kinds += (kinds.empty() ? "" : ",") + std::string(kind);
  // TIP comes only when it is named, and deposits and withdrawals only by their own switch.
  std::string url = fmt::format(
      "{}/activity?user={}&type={}&exclude_deposits_withdrawals=false&sort_direction=DESC&limit={}"
      "{}",
      data_url, wallet.ToString(), kinds, kFeedPageSize, PlaceInUrl(PositionOf(cursor)));
  return {.endpoint = Endpoint::kDataOther, .url = std::move(url), .body = {}};
}

common::Result<ActivityPage> ParseActivityPage(const common::WalletAddress& wallet,
                                               const common::Cursor& cursor,
                                               common::UnixSeconds horizon, std::string_view body) {
  JsonText json;
  ActivityPage page;
  DataApiPosition position = PositionOf(cursor);
  const bool is_first = position.next_cursor.empty();
  if (is_first) position.horizon = std::max<common::UnixSeconds>(0, horizon);
  DataApiPosition next = position;
  ActivityJudge judge(wallet, next, page);
  Pagination pagination;
  std::size_t rows = 0;
  const auto read_row = [&judge](ondemand::object& object) -> MaybeError {
    ActivityRow row;
    if (auto error = ReadRow(object, row)) return error;
    return judge.Judge(row);
  };
  const auto read_data = [&](ondemand::value data) {
    return ReadRows(data, kFeedPageSize, rows, read_row);
  };
  if (auto error = ReadEnvelope(json, body, pagination, read_data)) return *error;
  if (auto error = CheckPagination(pagination, position.next_cursor, rows)) return *error;
  const bool repeats = rows >= kRowsOfARepeat && judge.page_hash() == position.page_hash;
  if (repeats) return Implausible("it repeats");
  if (next.tally.size() > kLargestTally) return Implausible("too many rows in one second");

  next.page_hash = judge.page_hash();
  next.next_cursor = std::move(pagination.next_cursor);
  FeedStep step = StepAfter(cursor, next, pagination.has_more.value_or(false), is_first, horizon);
  page.next = std::move(step.next);
  page.last = step.last;
  page.shortfall = std::move(step.shortfall);
  return page;
}

}  // namespace worker::sources
