#include "sim/subgraph_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "sim/text.h"

namespace sim {
namespace {

constexpr std::array<std::string_view, 11> kFieldNames = {
    "id",           "transactionHash", "timestamp",         "orderHash",         "maker", "taker",
    "makerAssetId", "takerAssetId",    "makerAmountFilled", "takerAmountFilled", "fee"};

constexpr std::array<std::pair<std::string_view, Comparison>, 7> kSuffixes = {
    {{"_not_in", Comparison::kNotIn},
     {"_not", Comparison::kNot},
     {"_gte", Comparison::kAtLeast},
     {"_gt", Comparison::kGreater},
     {"_lte", Comparison::kAtMost},
     {"_lt", Comparison::kLess},
     {"_in", Comparison::kIn}}};

// Decimal numbers without leading zeros compare by length, then by digits.
int Compare(EventField field, std::string_view left, std::string_view right) {
  if (IsNumber(field) && left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
  return left.compare(right);
}

bool Holds(const EventFilter::Condition& condition, std::string_view value) {
  const auto& values = condition.values;
  switch (condition.comparison) {
    case Comparison::kIn:
      return std::find(values.begin(), values.end(), value) != values.end();
    case Comparison::kNotIn:
      return std::find(values.begin(), values.end(), value) == values.end();
    default:
      break;
  }
  const int order = Compare(condition.field, value, values.front());
  switch (condition.comparison) {
    case Comparison::kNot:
      return order != 0;
    case Comparison::kGreater:
      return order > 0;
    case Comparison::kAtLeast:
      return order >= 0;
    case Comparison::kLess:
      return order < 0;
    case Comparison::kAtMost:
      return order <= 0;
    default:
      return order == 0;
  }
}

std::optional<std::string> ReadScalar(EventField field, const GraphqlValue& value,
                                      std::vector<std::string>& out) {
  using Kind = GraphqlValue::Kind;
  const bool number = IsNumber(field);
  const bool right_kind = value.kind == Kind::kString || (number && value.kind == Kind::kInt);
  const bool digits =
      !value.text.empty() && value.text.find_first_not_of("0123456789") == std::string::npos;
  if (!right_kind || (number && !digits)) {
    return fmt::format("Failed to decode `{}` value for field `{}`", number ? "BigInt" : "String",
                       kFieldNames[static_cast<std::size_t>(field)]);
  }
  std::string text = value.text;
  if (number) text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  out.push_back(std::move(text));
  return std::nullopt;
}

std::optional<std::string> ReadCondition(std::string_view key, const GraphqlValue& value,
                                         EventFilter& filter) {
  EventFilter::Condition condition;
  std::string_view name = key;
  for (const auto& [suffix, comparison] : kSuffixes) {
    if (name.size() <= suffix.size() || !name.ends_with(suffix)) continue;
    condition.comparison = comparison;
    name.remove_suffix(suffix.size());
    break;
  }
  const auto field = ParseEventField(name);
  if (!field)
    return fmt::format("Invalid value provided for argument `where`: unknown filter `{}`", key);
  condition.field = *field;
  const bool list =
      condition.comparison == Comparison::kIn || condition.comparison == Comparison::kNotIn;
  if (list != (value.kind == GraphqlValue::Kind::kList)) {
    return fmt::format("Invalid value provided for argument `where`: `{}`", key);
  }
  if (!list) {
    if (auto reason = ReadScalar(*field, value, condition.values)) return reason;
  }
  for (const GraphqlValue& element : value.list) {
    if (auto reason = ReadScalar(*field, element, condition.values)) return reason;
  }
  filter.conditions.push_back(std::move(condition));
  return std::nullopt;
}

std::optional<std::string> ReadBranches(std::string_view key, const GraphqlValue& value,
                                        std::vector<EventFilter>& branches) {
  if (value.kind != GraphqlValue::Kind::kList || value.list.empty()) {
    return fmt::format("Invalid value provided for argument `where`: `{}`", key);
  }
  for (const GraphqlValue& branch : value.list) {
    if (auto reason = ReadFilter(branch, branches.emplace_back())) return reason;
  }
  return std::nullopt;
}

}  // namespace

std::optional<EventField> ParseEventField(std::string_view name) {
  const auto found = std::find(kFieldNames.begin(), kFieldNames.end(), name);
  if (found == kFieldNames.end()) return std::nullopt;
  return static_cast<EventField>(found - kFieldNames.begin());
}

bool IsNumber(EventField field) {
  return field == EventField::kTimestamp || field == EventField::kMakerAmountFilled ||
         field == EventField::kTakerAmountFilled || field == EventField::kFee;
}

void AppendEventField(std::string& out, const World& world, const Fill& fill, EventField field) {
  const bool buy = fill.side == common::Side::kBuy;
  switch (field) {
    case EventField::kId:
      AppendHex(out, world.TxHash(fill));
      out += '_';
      AppendHex(out, world.OrderHash(fill));
      return;
    case EventField::kTransactionHash:
      return AppendHex(out, world.TxHash(fill));
    case EventField::kTimestamp:
      return AppendInteger(out, fill.ts);
    case EventField::kOrderHash:
      return AppendHex(out, world.OrderHash(fill));
    case EventField::kMaker:
      return AppendHex(out, world.wallets()[fill.wallet].address.bytes);
    case EventField::kTaker:
      return AppendHex(out, world.wallets()[fill.taker].address.bytes);
    case EventField::kMakerAssetId:
      out += buy ? std::string_view("0") : world.tokens()[fill.token].decimal;
      return;
    case EventField::kTakerAssetId:
      out += buy ? world.tokens()[fill.token].decimal : std::string_view("0");
      return;
    case EventField::kMakerAmountFilled:
      return AppendInteger(out, buy ? fill.usdc : fill.size);
    case EventField::kTakerAmountFilled:
      return AppendInteger(out, buy ? fill.size : fill.usdc);
    case EventField::kFee:
      return AppendInteger(out, fill.fee);
  }
}

bool EventFilter::Matches(const World& world, const Fill& fill) const {
  std::string value;
  for (const Condition& condition : conditions) {
    value.clear();
    AppendEventField(value, world, fill, condition.field);
    if (!Holds(condition, value)) return false;
  }
  const auto matches = [&](const EventFilter& branch) {
    return branch.Matches(world, fill);
  };
  return std::all_of(all_of.begin(), all_of.end(), matches) &&
         (any_of.empty() || std::any_of(any_of.begin(), any_of.end(), matches));
}

std::optional<std::string> EventFilter::OnlyMaker() const {
  for (const Condition& condition : conditions) {
    const bool one = condition.comparison == Comparison::kEqual ||
                     (condition.comparison == Comparison::kIn && condition.values.size() == 1);
    if (condition.field == EventField::kMaker && one) return condition.values.front();
  }
  for (const EventFilter& branch : all_of) {
    if (auto maker = branch.OnlyMaker()) return maker;
  }
  std::optional<std::string> common_maker;
  for (const EventFilter& branch : any_of) {
    const auto maker = branch.OnlyMaker();
    if (!maker || (common_maker && *common_maker != *maker)) return std::nullopt;
    common_maker = maker;
  }
  return common_maker;
}

EventFilter::Seconds EventFilter::Bounds() const {
  Seconds bounds;
  const auto narrow = [&bounds](std::int64_t first, std::int64_t last) {
    bounds.first = std::max(bounds.first, first);
    bounds.last = std::min(bounds.last, last);
  };
  for (const Condition& condition : conditions) {
    if (condition.field != EventField::kTimestamp || condition.values.size() != 1) continue;
    const std::int64_t value = ParseInteger(condition.values.front()).value_or(INT64_MAX - 1);
    switch (condition.comparison) {
      case Comparison::kEqual:
      case Comparison::kIn:
        narrow(value, value);
        break;
      case Comparison::kGreater:
        narrow(value + 1, INT64_MAX);
        break;
      case Comparison::kAtLeast:
        narrow(value, INT64_MAX);
        break;
      case Comparison::kLess:
        narrow(0, value - 1);
        break;
      case Comparison::kAtMost:
        narrow(0, value);
        break;
      default:
        break;
    }
  }
  for (const EventFilter& branch : all_of) {
    const Seconds inner = branch.Bounds();
    narrow(inner.first, inner.last);
  }
  if (any_of.empty()) return bounds;
  Seconds either{INT64_MAX, 0};
  for (const EventFilter& branch : any_of) {
    const Seconds inner = branch.Bounds();
    either.first = std::min(either.first, inner.first);
    either.last = std::max(either.last, inner.last);
  }
  narrow(either.first, either.last);
  return bounds;
}

std::optional<std::string> ReadFilter(const GraphqlValue& where, EventFilter& filter) {
  if (where.kind != GraphqlValue::Kind::kObject) {
    return "Invalid value provided for argument `where`: not an object";
  }
  bool has_or = false;
  std::string columns;
  for (const auto& [key, value] : where.object) {
    std::optional<std::string> reason;
    if (key == "or") {
      has_or = true;
      reason = ReadBranches(key, value, filter.any_of);
    } else if (key == "and") {
      reason = ReadBranches(key, value, filter.all_of);
    } else {
      columns += (columns.empty() ? "" : ", ") + fmt::format("'{}'", key);
      reason = ReadCondition(key, value, filter);
    }
    if (reason) return reason;
  }
  if (has_or && !columns.empty()) {
    return fmt::format(
        "Cannot mix column filters with 'or' operator at the same level. Found column filter(s) {} "
        "alongside 'or' operator.",
        columns);
  }
  return std::nullopt;
}

}  // namespace sim
