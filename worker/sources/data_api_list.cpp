#include "worker/sources/data_api_list.h"

#include "worker/sources/row_number.h"

namespace worker::sources {

namespace ondemand = simdjson::ondemand;

common::Error BadRow(const char* field) {
  return {common::ErrorKind::kMalformed, std::string("a row cannot be read: ") + field};
}

MaybeError RequireNumber(ondemand::object& row, const char* name, std::string_view& out) {
  ondemand::value value;
  if (MaybeError error = Require(row, name, value)) return error;
  const std::optional<std::string_view> text = NumberText(value);
  if (!text) return BadRow(name);
  out = *text;
  return std::nullopt;
}

MaybeError AcceptNumber(ondemand::object& row, const char* name, std::string_view& out) {
  ondemand::value value;
  const simdjson::error_code found = row.find_field_unordered(name).get(value);
  if (found == simdjson::NO_SUCH_FIELD) return std::nullopt;
  if (found != simdjson::SUCCESS) return BrokenJson(found);
  if (const auto text = NumberText(value)) out = *text;
  return std::nullopt;
}

std::optional<std::int64_t> SignedMillionths(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto number = RowNumber::Parse(text);
  const auto millionths = number ? number->Millionths() : std::nullopt;
  if (!millionths) return std::nullopt;
  return is_negative ? -*millionths : *millionths;
}

std::optional<int> OutcomeIndex(std::int64_t told) {
  if (told < 0 || told >= kNotLabelled) return std::nullopt;
  return static_cast<int>(told);
}

MaybeError ReadPagination(ondemand::value value, Pagination& pagination) {
  ondemand::json_type type{};
  if (const auto code = value.type().get(type)) return BrokenJson(code);
  if (type == ondemand::json_type::null) return std::nullopt;
  ondemand::object object;
  if (const auto code = value.get_object().get(object)) return BrokenJson(code);
  for (auto field : object) {
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key)) return BrokenJson(code);
    if (key == "has_more") {
      bool has_more = false;
      if (const auto code = field.value().get_bool().get(has_more)) return BrokenJson(code);
      pagination.has_more = has_more;
    } else if (key == "next_cursor") {
      ondemand::value cursor;
      if (const auto code = field.value().get(cursor)) return BrokenJson(code);
      if (const auto code = cursor.type().get(type)) return BrokenJson(code);
      if (type == ondemand::json_type::null) continue;
      std::string_view text;
      if (const auto code = cursor.get_string().get(text)) return BrokenJson(code);
      pagination.next_cursor = text;
    }
  }
  return std::nullopt;
}

MaybeError CheckPagination(const Pagination& pagination, std::string_view asked, std::size_t rows) {
  if (!pagination.has_more) {
    if (rows == 0 && asked.empty()) return std::nullopt;
    return Implausible("it does not say whether there is more");
  }
  if (rows == 0 && !asked.empty()) return Implausible("no rows although there were more");
  if (!*pagination.has_more) {
    if (pagination.next_cursor.empty()) return std::nullopt;
    return Implausible("there is no more, and yet a next_cursor");
  }
  if (rows == 0) return Implausible("no rows and yet there is more");
  if (pagination.next_cursor.empty()) return Implausible("there is more, but no next_cursor");
  if (pagination.next_cursor.size() > kLongestNextCursor) return Implausible("its next_cursor");
  if (pagination.next_cursor == asked) return Implausible("its cursor stands still");
  return std::nullopt;
}

common::Error ErrorBeside200(std::string_view body) {
  using common::ErrorKind;
  auto told = ParseErrorBody(body).value_or(common::Error{ErrorKind::kTransient, "error"});
  if (told.kind == ErrorKind::kRejected) told.kind = ErrorKind::kTransient;
  return told;
}

}  // namespace worker::sources
