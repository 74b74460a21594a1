// What all lists of the Data API have in common: {"data": [...], "pagination": {...}}, read in one
// go from the front to the end, and rows whose numbers are taken from their own text.
//
// Included by the .cpp files of this folder alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "worker/sources/answer.h"
#include "worker/sources/error_body.h"
#include "worker/sources/json_text.h"
#include "worker/sources/page_end.h"

namespace worker::sources {

using MaybeError = std::optional<common::Error>;

common::Error BadRow(const char* field);

// Reads a required field; `name` is told in the error.
template <typename T>
MaybeError Require(simdjson::ondemand::object& row, const char* name, T& out) {
  const simdjson::error_code code = row.find_field_unordered(name).get(out);
  if (code == simdjson::SUCCESS) return std::nullopt;
  if (code == simdjson::INCORRECT_TYPE || code == simdjson::NO_SUCH_FIELD) return BadRow(name);
  return BrokenJson(code);
}

// A missing, null or oddly typed field leaves `out` as it is.
template <typename T>
MaybeError Accept(simdjson::ondemand::object& row, const char* name, T& out) {
  simdjson::ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered(name).get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  T read{};
  if (value.get(read) == simdjson::SUCCESS) out = read;
  return std::nullopt;
}

// The number's own text.
MaybeError RequireNumber(simdjson::ondemand::object& row, const char* name, std::string_view& out);
// The same, and `out` is left as it is where the field is missing or no number.
MaybeError AcceptNumber(simdjson::ondemand::object& row, const char* name, std::string_view& out);

// In millionths, rounded half away from zero; nothing where the text is no number, or it is too
// large.
std::optional<std::int64_t> SignedMillionths(std::string_view text);

struct Pagination {
  std::optional<bool> has_more;
  std::string next_cursor;
};

MaybeError ReadPagination(simdjson::ondemand::value value, Pagination& pagination);

// has_more is exact and next_cursor is null on the last page: whatever contradicts itself is no
// proof that the walk is over, nor that it goes on. `asked` is the cursor of the request.
MaybeError CheckPagination(const Pagination& pagination, std::string_view asked, std::size_t rows);

// Beside a 200 a refusal proves nothing, so it is kTransient.
common::Error ErrorBeside200(std::string_view body);

// Goes through the whole document, because what is not read is not checked; `read_data` gets the
// value of "data" once, `pagination` what is beside it.
template <typename ReadData>
MaybeError ReadEnvelope(JsonText& json, std::string_view body, Pagination& pagination,
                        ReadData read_data) {
  simdjson::ondemand::document document;
  simdjson::ondemand::object root;
  if (const auto code = json.Open(body).get(document)) return BrokenJson(code);
  if (const auto code = document.get_object().get(root)) return BrokenJson(code);
  bool has_data = false;
  for (auto field : root) {
    std::string_view key;
    simdjson::ondemand::value value;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "error") return ErrorBeside200(body);
    if (key != "data" && key != "pagination") continue;
    const bool is_data = key == "data";
    if (is_data && std::exchange(has_data, true)) return Implausible("two lists of rows");
    if (const auto code = field.value().get(value)) return BrokenJson(code);
    MaybeError error = is_data ? read_data(value) : ReadPagination(value, pagination);
    if (error) return error;
  }
  if (!AtEnd(document)) return Implausible("text after the JSON");
  if (!has_data) return Implausible("no data");
  return std::nullopt;
}

// What an outcome's index is while the upstream has not labelled the token.
inline constexpr std::int64_t kNotLabelled = 999;

// Nothing where the token is not labelled yet, or `told` is no index.
std::optional<int> OutcomeIndex(std::int64_t told);

// Calls `read_row` with each object of a list; null stands for an empty one.
template <typename ReadRow>
MaybeError ReadRows(simdjson::ondemand::value data, std::size_t most_rows, std::size_t& count,
                    ReadRow read_row) {
  simdjson::ondemand::json_type type{};
  if (const auto code = data.type().get(type)) return BrokenJson(code);
  if (type == simdjson::ondemand::json_type::null) return std::nullopt;
  simdjson::ondemand::array rows;
  if (const auto code = data.get_array().get(rows)) return BrokenJson(code);
  for (auto element : rows) {
    simdjson::ondemand::object object;
    if (const auto code = element.get_object().get(object)) return BrokenJson(code);
    if (++count > most_rows) return Implausible("more rows than were asked for");
    if (MaybeError error = read_row(object)) return error;
  }
  return std::nullopt;
}

}  // namespace worker::sources
