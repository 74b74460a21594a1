// The `where` of orderFilledEvents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/graphql.h"
#include "sim/world.h"

namespace sim {

// The columns of OrderFilledEvent.
enum class EventField : std::uint8_t {
  kId,
  kTransactionHash,
  kTimestamp,
  kOrderHash,
  kMaker,
  kTaker,
  kMakerAssetId,
  kTakerAssetId,
  kMakerAmountFilled,
  kTakerAmountFilled,
  kFee,
};

std::optional<EventField> ParseEventField(std::string_view name);
bool IsNumber(EventField field);

// Appends the value as the subgraph writes it, without quotes.
void AppendEventField(std::string& out, const World& world, const Fill& fill, EventField field);

enum class Comparison : std::uint8_t {
  kEqual,
  kNot,
  kGreater,
  kAtLeast,
  kLess,
  kAtMost,
  kIn,
  kNotIn
};

// A tree: all of `conditions` and `all_of`, and one of `any_of` if there are any.
struct EventFilter {
  struct Condition {
    EventField field = EventField::kId;
    Comparison comparison = Comparison::kEqual;
    std::vector<std::string> values;  // one, but for kIn and kNotIn
  };
  std::vector<Condition> conditions;
  std::vector<EventFilter> any_of;
  std::vector<EventFilter> all_of;

  bool Matches(const World& world, const Fill& fill) const;

  // The maker that every match has, if the filter says so.
  std::optional<std::string> OnlyMaker() const;

  // No match lies outside of these seconds.
  struct Seconds {
    std::int64_t first = 0;
    std::int64_t last = INT64_MAX;
  };
  Seconds Bounds() const;
};

// Reads a `where` object whose variables are already replaced. Returns the reason of a refusal.
std::optional<std::string> ReadFilter(const GraphqlValue& where, EventFilter& filter);

}  // namespace sim
