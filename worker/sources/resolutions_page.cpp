#include "worker/sources/resolutions_page.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/check.h"
#include "worker/sources/data_api_list.h"
#include "worker/sources/iso_time.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kMostResolutionRows = 1000;
constexpr std::size_t kMostOutcomes = 256;

// ISO 8601, or seconds as text.
common::UnixSeconds TimeOf(std::string_view text) {
  if (const auto time = ParseIsoTime(text)) return *time;
  common::UnixSeconds seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  return error == std::errc{} && stop == end ? std::max<common::UnixSeconds>(0, seconds) : 0;
}

struct Payouts {
  std::vector<std::int64_t> list;  // empty: the row has none (yet)
  bool is_bad = false;             // it has some that nobody could be paid by
};

MaybeError ReadList(ondemand::array list, Payouts& payouts) {
  std::int64_t sum = 0;
  for (auto element : list) {
    ondemand::json_type type{};
    if (const auto code = element.type().get(type)) return BrokenJson(code);
    std::int64_t payout = -1;
    const bool is_plain = type == ondemand::json_type::number &&
                          element.get_int64().get(payout) == simdjson::SUCCESS && payout >= 0 &&
                          !__builtin_add_overflow(sum, payout, &sum);
    payouts.is_bad = !is_plain || payouts.list.size() == kMostOutcomes;
    if (payouts.is_bad) return std::nullopt;
    payouts.list.push_back(payout);
  }
  payouts.is_bad = !payouts.list.empty() && sum == 0;
  return std::nullopt;
}

MaybeError ReadPayouts(ondemand::object& row, Payouts& payouts) {
  ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered("payouts").get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;
  payouts.is_bad = type != ondemand::json_type::array;
  if (payouts.is_bad) return std::nullopt;
  ondemand::array list;
  if (const auto code = value.get_array().get(list)) return BrokenJson(code);
  return ReadList(list, payouts);
}

MaybeError ReadRow(ondemand::object& object, ResolutionRow& row) {
  std::string_view condition;
  std::string_view status;
  std::string_view resolved_at;
  Payouts payouts;
  if (auto error = Require(object, "condition_id", condition)) return error;
  if (auto error = Require(object, "status", status)) return error;
  if (auto error = Accept(object, "resolved_at", resolved_at)) return error;
  // The last ones, as nothing can be found in a row behind a list that was not read to its end.
  if (auto error = ReadPayouts(object, payouts)) return error;
  const auto id = common::ParseConditionId(condition);
  if (!id) return BadRow("condition_id");
  row.condition = *id;
  row.status = status;
  if (status != "resolved") return std::nullopt;
  row.has_bad_payouts = payouts.is_bad;
  if (!payouts.is_bad && !payouts.list.empty()) {
    row.resolution = store::Resolution{store::ResolutionSource::kDataApi, std::move(payouts.list),
                                       TimeOf(resolved_at)};
  }
  return std::nullopt;
}

}  // namespace

HttpRequest ResolutionsRequest(const std::string& data_url,
                               const std::vector<common::ConditionId>& conditions) {
  CHECK(!conditions.empty() && conditions.size() <= kMostResolutions);
  std::string list;
  for (const common::ConditionId& condition : conditions) {
    list += (list.empty() ? "" : ",") + condition.ToString();
  }
  return {.endpoint = Endpoint::kDataOther,
          .url = data_url + "/resolutions?condition=" + list,
          .body = {}};
}

common::Result<std::vector<ResolutionRow>> ParseResolutions(
    const std::vector<common::ConditionId>& conditions, std::string_view body) {
  JsonText json;
  Pagination none;
  std::vector<ResolutionRow> rows;
  std::size_t count = 0;
  const auto read_row = [&](ondemand::object& object) -> MaybeError {
    ResolutionRow row;
    if (auto error = ReadRow(object, row)) return error;
    if (std::find(conditions.begin(), conditions.end(), row.condition) == conditions.end()) {
      return Implausible("a row of condition " + row.condition.ToString());
    }
    rows.push_back(std::move(row));
    return std::nullopt;
  };
  const auto read_data = [&](ondemand::value data) {
    return ReadRows(data, kMostResolutionRows, count, read_row);
  };
  if (auto error = ReadEnvelope(json, body, none, read_data)) return *error;
  return rows;
}

}  // namespace worker::sources
