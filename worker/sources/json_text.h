// A JSON text under simdjson's on-demand parser, with buffers that are used again and again.
//
// Included by the .cpp files of this folder alone. On-demand reading sees an error only where it
// reads, so every reader goes through its whole document and ends with AtEnd.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "common/error.h"

namespace worker::sources {

class JsonText {
 public:
  static constexpr std::size_t kLongest = std::size_t{1} << 30U;  // far above the client's cap

  // The document and all that is read from it are valid until the next call.
  simdjson::simdjson_result<simdjson::ondemand::document> Open(std::string_view text) {
    if (text.size() > kLongest) return simdjson::CAPACITY;
    if (text.size() + simdjson::SIMDJSON_PADDING > capacity_) {
      capacity_ = text.size() + text.size() / 4 + simdjson::SIMDJSON_PADDING;
      buffer_ = std::make_unique<char[]>(capacity_);
    }
    std::memcpy(buffer_.get(), text.data(), text.size());
    std::memset(buffer_.get() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    return parser_.iterate(buffer_.get(), text.size(), capacity_);
  }

 private:
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  simdjson::ondemand::parser parser_;
};

inline common::Error BrokenJson(simdjson::error_code code) {
  return {common::ErrorKind::kTransient,
          std::string("the answer is no complete JSON: ") + simdjson::error_message(code)};
}

// Nothing but the document was in the text.
inline bool AtEnd(simdjson::ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

// A number's own text, without the blanks behind it; nothing where the value is no number.
inline std::optional<std::string_view> NumberText(simdjson::ondemand::value value) {
  std::string_view text = value.raw_json_token();
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' ||
                           text.back() == '\t')) {
    text.remove_suffix(1);
  }
  if (text.empty()) return std::nullopt;
  const bool is_number = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
  if (!is_number) return std::nullopt;
  return text;
}

}  // namespace worker::sources
