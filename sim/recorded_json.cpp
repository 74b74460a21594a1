#include "sim/recorded_json.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <simdjson.h>
#include <zstd.h>

#include "sim/text.h"

namespace sim {
namespace {

namespace ondemand = simdjson::ondemand;

std::string TextOfValue(ondemand::value value) {
  const ondemand::json_type type = value.type();
  if (type == ondemand::json_type::null) return "";
  if (type == ondemand::json_type::string) {
    const std::string_view text = value.get_string();
    return std::string(text);
  }
  const std::string_view text = simdjson::to_json_string(value);
  return std::string(text);
}

std::string Unpacked(const std::string& path, std::string_view packed) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(),
                                                                          &ZSTD_freeDStream);
  std::vector<char> chunk(ZSTD_DStreamOutSize());
  std::string text;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t left = packed.empty() ? 0 : 1;
  bool full = false;
  while (in.pos < in.size || full) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(left) != 0) throw std::runtime_error(path + ": " + ZSTD_getErrorName(left));
    text.append(chunk.data(), out.pos);
    full = out.pos == out.size;
  }
  if (left != 0) throw std::runtime_error(path + " is cut short");
  return text;
}

}  // namespace

JsonFields ReadFields(std::string_view object) {
  const simdjson::padded_string padded(object);
  ondemand::parser parser;
  ondemand::document document = parser.iterate(padded);
  JsonFields fields;
  for (auto field : document.get_object()) {
    const std::string_view key = field.unescaped_key();
    std::string name(key);
    fields[std::move(name)] = TextOfValue(field.value());
  }
  return fields;
}

std::vector<std::string> ReadElements(std::string_view array) {
  std::vector<std::string> elements;
  if (array.empty()) return elements;
  const simdjson::padded_string padded(array);
  ondemand::parser parser;
  ondemand::document document = parser.iterate(padded);
  for (auto element : document.get_array()) elements.push_back(TextOfValue(element.value()));
  return elements;
}

const std::string& TextOf(const JsonFields& fields, std::string_view name) {
  static const std::string kNothing;
  const auto found = fields.find(name);
  return found == fields.end() ? kNothing : found->second;
}

std::string ReadRecording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return "";
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!path.ends_with(".zst")) return std::move(bytes).str();
  return Unpacked(path, std::move(bytes).str());
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end != 0) lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
  }
  return lines;
}

std::int64_t ParseTime(std::string_view text) {
  if (text.empty()) return 0;
  std::array<int, 6> numbers{};  // year to second; a day alone is its midnight
  constexpr std::array<std::size_t, 6> kAt = {0, 5, 8, 11, 14, 17};
  for (std::size_t i = 0; i < numbers.size() && kAt[i] + 2 <= text.size(); ++i) {
    const auto number = ParseInteger(text.substr(kAt[i], i == 0 ? 4 : 2));
    if (!number) throw std::runtime_error("'" + std::string(text) + "' is no time");
    numbers[i] = static_cast<int>(*number);
  }
  std::tm fields{};
  fields.tm_year = numbers[0] - 1900;
  fields.tm_mon = numbers[1] - 1;
  fields.tm_mday = numbers[2];
  fields.tm_hour = numbers[3];
  fields.tm_min = numbers[4];
  fields.tm_sec = numbers[5];
  return timegm(&fields);
}

}  // namespace sim
