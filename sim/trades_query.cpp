#include "sim/trades_query.h"

#include <algorithm>
#include <string_view>

#include "sim/text.h"

namespace sim {
namespace {

constexpr std::int64_t kMostRows = 1000;
constexpr std::size_t kMostValues = 20;
constexpr std::int64_t kThreeYears = 3 * 365 * 86'400 + 86'400;

using Failure = std::optional<ParameterError>;

class Reader {
 public:
  Reader(const World& world, const Request& request, TradesQuery& query)
      : world_(world), request_(request), query_(query) {}

  Failure Read() {
    using Step = Failure (Reader::*)();
    constexpr Step kSteps[] = {&Reader::RefuseOffset, &Reader::ReadUser,   &Reader::ReadMarkets,
                               &Reader::ReadFlags,    &Reader::ReadAmount, &Reader::ReadWindow,
                               &Reader::ReadPage};
    for (const Step step : kSteps) {
      if (Failure failure = (this->*step)()) return failure;
    }
    return std::nullopt;
  }

 private:
  Failure RefuseOffset() {
    if (request_.Get("offset")) {
      return ParameterError{"offset", "offset is not supported, use cursor"};
    }
    return std::nullopt;
  }

  Failure ReadUser() {
    const auto user = request_.Get("user");
    if (!user) return std::nullopt;
    const auto address = common::WalletAddress::Parse(*user);
    if (!address) return ParameterError{"user", "user is not a wallet address"};
    query_.user = address->ToString();
    const std::uint32_t* wallet = world_.FindWallet(*query_.user);
    if (wallet == nullptr) return std::nullopt;
    if (world_.wallets()[*wallet].kind == WalletKind::kContract) {
      return ParameterError{"user", "user is a protocol contract"};
    }
    query_.wallet = *wallet;
    return std::nullopt;
  }

  Failure ReadMarkets() {
    std::vector<std::uint32_t> markets;
    for (const std::string_view text : Split("condition")) {
      const std::uint32_t* market = world_.FindMarketByCondition(ToLower(text));
      if (!text.starts_with("0x") || (text.size() != 66 && text.size() != 64)) {
        return ParameterError{"condition", "condition is not a condition id"};
      }
      if (market != nullptr) markets.push_back(*market);
    }
    for (const std::string_view text : Split("event_id")) {
      if (!ParseInteger(text)) return ParameterError{"event_id", "event_id is not a number"};
      const std::uint32_t* event = world_.FindEventById(text);
      if (event == nullptr) continue;
      const auto& inner = world_.events()[*event].markets;
      markets.insert(markets.end(), inner.begin(), inner.end());
    }
    for (const char* name : {"condition", "event_id"}) {
      if (Split(name).size() > kMostValues) return ParameterError{name, "more than 20 values"};
    }
    if (request_.Get("condition") || request_.Get("event_id")) query_.markets = std::move(markets);
    return std::nullopt;
  }

  std::vector<std::string_view> Split(std::string_view name) const {
    std::vector<std::string_view> parts;
    std::string_view rest = request_.Get(name).value_or("");
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      parts.push_back(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    return parts;
  }

  Failure ReadFlags() {
    const auto taker_only = request_.Get("taker_only").value_or("true");
    if (taker_only != "true" && taker_only != "false") {
      return ParameterError{"taker_only", "taker_only is true or false"};
    }
    query_.taker_only = taker_only == "true";
    const auto side = request_.Get("side");
    if (!side) return std::nullopt;
    if (*side != "BUY" && *side != "SELL") return ParameterError{"side", "side is BUY or SELL"};
    query_.side = *side == "BUY" ? common::Side::kBuy : common::Side::kSell;
    return std::nullopt;
  }

  // An amount of 0 means the default of 0.01.
  Failure ReadAmount() {
    const auto type = request_.Get("filter_type").value_or("TOKENS");
    if (type != "TOKENS" && type != "CASH") {
      return ParameterError{"filter_type", "filter_type is TOKENS or CASH"};
    }
    query_.amount_is_cash = type == "CASH";
    const auto amount = ParseMillionths(request_.Get("filter_amount").value_or("0"));
    if (!amount) return ParameterError{"filter_amount", "filter_amount is not a number"};
    if (*amount > 0) query_.least_amount = *amount;
    return std::nullopt;
  }

  // Start and end count with `user` only; without a start the window is three years long.
  Failure ReadWindow() {
    query_.start = request_.now - kThreeYears;
    for (const char* name : {"start", "end"}) {
      const auto text = request_.Get(name);
      if (!text) continue;
      const auto value = ParseInteger(*text);
      if (!value || *value < 0) return ParameterError{name, "not a time in seconds"};
      if (!query_.user || *value == 0) continue;
      (name[0] == 's' ? query_.start : query_.end) = *value;
    }
    const bool bare = !query_.user && !query_.markets;
    if (bare) query_.start = StartOfLastMonth();
    return std::nullopt;
  }

  // The bare feed holds the current and the previous month; 62 days reach as far or further.
  std::int64_t StartOfLastMonth() const { return request_.now - 62 * 86'400; }

  Failure ReadPage() {
    if (const auto text = request_.Get("limit")) {
      const auto limit = ParseInteger(*text);
      if (!limit || *limit < 1 || *limit > kMostRows) {
        return ParameterError{"limit", "limit must be between 1 and 1000"};
      }
      query_.limit = *limit;
    }
    if (const auto cursor = request_.Get("cursor")) {
      query_.after = OpenFeedCursor(world_.seed(), kTradesEndpoint, *cursor);
      if (!query_.after) return ParameterError{"cursor", "cursor is not valid here"};
      query_.limit = query_.after->limit;
    }
    return std::nullopt;
  }

  const World& world_;
  const Request& request_;
  TradesQuery& query_;
};

}  // namespace

std::optional<ParameterError> ReadTradesQuery(const World& world, const Request& request,
                                              TradesQuery& query) {
  return Reader(world, request, query).Read();
}

}  // namespace sim
