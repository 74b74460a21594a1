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

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kMostOutcomes = 256;

// ISO 8601, or seconds as text.
common::UnixSeconds TimeOf(std::string_view text) {
  if (const auto time = ParseIsoTime(text)) return *time;
  common::UnixSeconds seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  return error == std::errc{} && stop == end ? std::max<common::UnixSeconds>(0, seconds) : 0;
}

// Nothing is left in `payouts` where the row has none (yet).
MaybeError ReadPayouts(ondemand::object& row, std::vector<std::int64_t>& payouts) {
  ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered("payouts").get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;
  ondemand::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS) return BadRow("payouts");
  std::int64_t sum = 0;
  for (auto element : list) {
    std::int64_t payout = 0;
    if (element.get_int64().get(payout) != simdjson::SUCCESS) return BadRow("payouts");
    const bool is_plain = payout >= 0 && !__builtin_add_overflow(sum, payout, &sum);
    if (!is_plain || payouts.size() == kMostOutcomes) return BadRow("payouts");
    payouts.push_back(payout);
  }
  if (!payouts.empty() && sum == 0) return BadRow("payouts");
  return std::nullopt;
}

MaybeError ReadRow(ondemand::object& object, ResolutionRow& row) {
  std::string_view condition;
  std::string_view status;
  std::string_view resolved_at;
  std::vector<std::int64_t> payouts;
  if (auto error = Require(object, "condition_id", condition)) return error;
  if (auto error = Require(object, "status", status)) return error;
  if (auto error = ReadPayouts(object, payouts)) return error;
  if (auto error = Accept(object, "resolved_at", resolved_at)) return error;
  const auto id = common::ParseConditionId(condition);
  if (!id) return BadRow("condition_id");
  row.condition = *id;
  row.status = status;
  if (status == "resolved" && !payouts.empty()) {
    row.resolution = store::Resolution{store::ResolutionSource::kDataApi, std::move(payouts),
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
    return ReadRows(data, kMostRows, count, read_row);
  };
  if (auto error = ReadEnvelope(json, body, none, read_data)) return *error;
  return rows;
}

}  // namespace worker::sources
