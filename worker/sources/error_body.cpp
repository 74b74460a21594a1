#include "worker/sources/error_body.h"

#include <string>

#include "worker/sources/json_text.h"

namespace worker::sources {
namespace {

namespace ondemand = simdjson::ondemand;

struct ErrorBody {
  bool has_error = false;
  bool is_graphql = false;
  std::optional<bool> retryable;
  std::string message;
  std::string code;
};

// Strings as they are, anything else as its own JSON text.
std::string TextOrJson(ondemand::value value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return Evidence(text);
  if (simdjson::simdjson_result<std::string_view> raw = value.raw_json_token(); !raw.error()) {
    return Evidence(raw.value_unsafe());
  }
  return {};
}

std::string FirstMessage(ondemand::value errors) {
  ondemand::array list;
  if (errors.get_array().get(list) != simdjson::SUCCESS) return {};
  for (auto element : list) {
    ondemand::value message;
    if (element["message"].get(message) == simdjson::SUCCESS) return TextOrJson(message);
    break;
  }
  return {};
}

ErrorBody Read(std::string_view body) {
  ErrorBody result;
  JsonText json;
  ondemand::document document;
  ondemand::object root;
  if (json.Open(body).get(document) != simdjson::SUCCESS) return result;
  if (document.get_object().get(root) != simdjson::SUCCESS) return result;
  for (auto field : root) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) break;
    if (field.value().get(value) != simdjson::SUCCESS) break;
    if (key == "error") {
      result.has_error = true;
      result.message = TextOrJson(value);
    } else if (key == "errors") {
      result.has_error = true;
      result.is_graphql = true;
      result.message = FirstMessage(value);
      break;  // reading a list in part leaves the reader inside of it
    } else if (key == "code") {
      result.code = TextOrJson(value);
    } else if (key == "retryable") {
      bool retryable = false;
      if (value.get_bool().get(retryable) == simdjson::SUCCESS) result.retryable = retryable;
    }
  }
  return result;
}

}  // namespace

std::optional<common::Error> ParseErrorBody(std::string_view body) {
  const ErrorBody read = Read(body);
  if (!read.has_error) return std::nullopt;
  std::string text = read.message;
  if (!read.code.empty()) text += " (" + read.code + ")";
  if (read.is_graphql) return common::Error{common::ErrorKind::kTransient, "GraphQL: " + text};
  if (read.code == "rate_limited") return common::Error{common::ErrorKind::kThrottled, text};
  const bool is_refusal = read.code.empty() || read.code == "invalid_request" ||
                          read.code == "not_found" || read.code == "method_not_allowed";
  if (read.retryable.value_or(!is_refusal))
    return common::Error{common::ErrorKind::kTransient, text};
  return common::Error{common::ErrorKind::kRejected, text};
}

std::string Evidence(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string result(text.substr(0, kLongest));
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f) c = ' ';
    if (byte > 0x7f) c = '?';  // other encodings, or a character that was cut
  }
  if (text.size() > kLongest) result += "...";
  return result;
}

}  // namespace worker::sources
