#include "sim/data_parameters.h"

#include <array>

#include "sim/text.h"

namespace sim {
namespace {

using Failure = ParameterFailure;

constexpr std::int64_t kMostRows = 1000;
constexpr std::array<const char*, 3> kConditions = {"condition", "condition_id", "conditionId"};

bool IsConditionId(std::string_view text) {
  return text.starts_with("0x") && (text.size() == 66 || text.size() == 64) &&
         text.substr(2).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

std::vector<std::string_view> SplitValues(const Request& request, std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::string_view rest : request.All(name)) {
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      parts.push_back(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
  }
  return parts;
}

Failure RefuseOffset(const Request& request) {
  if (!request.Get("offset")) return std::nullopt;
  return ParameterError{"offset", "offset is not supported, use cursor"};
}

Failure ReadUser(const World& world, const Request& request, DataUser& user) {
  const auto text = request.Get("user");
  if (!text) return std::nullopt;
  const auto address = common::WalletAddress::Parse(*text);
  if (!address) return ParameterError{"user", "user is not a wallet address"};
  user.address = address->ToString();
  const std::uint32_t* wallet = world.FindWallet(*address);
  if (wallet == nullptr) return std::nullopt;
  if (world.wallets()[*wallet].kind == WalletKind::kContract) {
    return ParameterError{"user", "user is a protocol contract"};
  }
  user.wallet = *wallet;
  return std::nullopt;
}

Failure ReadMarkets(const World& world, const Request& request,
                    std::optional<std::vector<std::uint32_t>>& markets) {
  std::vector<std::uint32_t> numbers;
  bool is_named = false;
  for (const char* name : kConditions) {
    const auto values = SplitValues(request, name);
    if (values.size() > kMostValues) return ParameterError{"condition", "more than 20 values"};
    is_named = is_named || request.Get(name).has_value();
    for (const std::string_view text : values) {
      if (!IsConditionId(text)) {
        return ParameterError{"condition", "'" + std::string(text) + "' is not a condition id"};
      }
      const std::uint32_t* market = world.FindMarketByCondition(ToLower(text));
      if (market != nullptr) numbers.push_back(*market);
    }
  }
  const auto events = SplitValues(request, "event_id");
  if (events.size() > kMostValues) return ParameterError{"event_id", "more than 20 values"};
  for (const std::string_view text : events) {
    if (!ParseInteger(text)) return ParameterError{"event_id", "event_id is not a number"};
    const std::uint32_t* event = world.FindEventById(text);
    if (event == nullptr) continue;
    const auto& inner = world.events()[*event].markets;
    numbers.insert(numbers.end(), inner.begin(), inner.end());
  }
  if (is_named || request.Get("event_id")) markets = std::move(numbers);
  return std::nullopt;
}

Failure ReadFlag(const Request& request, const char* name, bool& flag) {
  const auto text = request.Get(name);
  if (!text) return std::nullopt;
  if (*text != "true" && *text != "false") {
    return ParameterError{name, std::string(name) + " is true or false"};
  }
  flag = *text == "true";
  return std::nullopt;
}

Failure ReadSide(const Request& request, std::optional<common::Side>& side) {
  const auto text = request.Get("side");
  if (!text) return std::nullopt;
  if (*text != "BUY" && *text != "SELL") return ParameterError{"side", "side is BUY or SELL"};
  side = *text == "BUY" ? common::Side::kBuy : common::Side::kSell;
  return std::nullopt;
}

Failure ReadPage(const World& world, const Request& request, std::string_view endpoint,
                 std::int64_t& limit, std::optional<FeedPosition>& after) {
  if (const auto text = request.Get("limit")) {
    const auto number = ParseInteger(*text);
    if (!number || *number < 1 || *number > kMostRows) {
      return ParameterError{"limit", "limit must be between 1 and 1000"};
    }
    limit = *number;
  }
  if (const auto cursor = request.Get("cursor")) {
    after = OpenFeedCursor(world.seed(), endpoint, *cursor);
    if (!after) return ParameterError{"cursor", "cursor is not valid here"};
    limit = after->limit;
  }
  return std::nullopt;
}

Failure ReadTime(const Request& request, const char* name, std::int64_t& time) {
  const auto text = request.Get(name);
  if (!text) return std::nullopt;
  const auto value = ParseInteger(*text);
  if (!value || *value < 0) return ParameterError{name, "not a time in seconds"};
  if (*value > 0) time = *value;
  return std::nullopt;
}

}  // namespace sim
