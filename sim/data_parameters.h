// The parameters that several routes of the Data API share, read and validated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/cursor.h"
#include "sim/message.h"
#include "sim/world.h"

namespace sim {

struct ParameterError {
  std::string parameter;
  std::string message;
};
using ParameterFailure = std::optional<ParameterError>;

struct DataUser {
  std::optional<std::string> address;   // lower case; nothing where none was named
  std::optional<std::uint32_t> wallet;  // nothing for a user that never traded
};

// Parameters that are not known are ignored; `offset` is refused.
ParameterFailure RefuseOffset(const Request& request);
ParameterFailure ReadUser(const World& world, const Request& request, DataUser& user);
// The values of `condition` (or condition_id, conditionId) and of `event_id`, as markets; nothing
// where neither was named. Well-formed ids that nobody knows name no market.
ParameterFailure ReadMarkets(const World& world, const Request& request,
                             std::optional<std::vector<std::uint32_t>>& markets);
ParameterFailure ReadFlag(const Request& request, const char* name, bool& flag);
ParameterFailure ReadSide(const Request& request, std::optional<common::Side>& side);
// 100 by default, 1000 at most. A cursor fixes the limit.
ParameterFailure ReadPage(const World& world, const Request& request, std::string_view endpoint,
                          std::int64_t& limit, std::optional<FeedPosition>& after);
// A time in seconds; stays as it is for 0 and where there is none.
ParameterFailure ReadTime(const Request& request, const char* name, std::int64_t& time);

inline constexpr std::size_t kMostValues = 20;  // of one parameter
// The parts of a list with commas, of all values of this name.
std::vector<std::string_view> SplitValues(const Request& request, std::string_view name);

}  // namespace sim
