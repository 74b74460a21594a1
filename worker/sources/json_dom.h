// Small readers over simdjson's DOM, for the pages that are few: missing, null and oddly typed
// members are normal there and read as nothing.
//
// Included by the .cpp files of this folder alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace worker::sources {

// It lives as long as the parser.
inline std::string_view ViewOf(simdjson::dom::element object, std::string_view key) {
  std::string_view text;
  return object[key].get_string().get(text) == simdjson::SUCCESS ? text : std::string_view();
}

inline std::string TextOf(simdjson::dom::element object, std::string_view key) {
  return std::string(ViewOf(object, key));
}

inline std::optional<bool> FlagOf(simdjson::dom::element object, std::string_view key) {
  bool flag = false;
  if (object[key].get_bool().get(flag) != simdjson::SUCCESS) return std::nullopt;
  return flag;
}

// The texts of an array; members that are no text are left out.
inline std::vector<std::string> TextsOf(simdjson::dom::element list) {
  std::vector<std::string> texts;
  simdjson::dom::array array;
  if (list.get_array().get(array) != simdjson::SUCCESS) return texts;
  for (const simdjson::dom::element item : array) {
    std::string_view text;
    if (item.get_string().get(text) == simdjson::SUCCESS) texts.emplace_back(text);
  }
  return texts;
}

}  // namespace worker::sources
