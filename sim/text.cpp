#include "sim/text.h"

#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

namespace sim {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::int64_t kMillion = 1'000'000;

std::tm Utc(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm fields{};
  gmtime_r(&time, &fields);
  return fields;
}

std::string Formatted(std::int64_t unix_seconds, const char* format) {
  const std::tm fields = Utc(unix_seconds);
  std::array<char, 40> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), format, &fields);
  return {buffer.data(), size};
}

std::optional<std::uint32_t> Base64Value(char c) {
  if (c == '-') return 62;
  if (c == '_') return 63;
  const std::size_t at = kBase64.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

}  // namespace

void AppendInteger(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

void AppendMillionths(std::string& out, std::int64_t millionths, bool fraction_always) {
  if (millionths < 0) {
    out += '-';
    millionths = -millionths;
  }
  AppendInteger(out, millionths / kMillion);
  std::int64_t rest = millionths % kMillion;
  if (rest == 0) {
    if (fraction_always) out += ".0";
    return;
  }
  std::array<char, 7> digits{'.'};
  for (std::size_t i = 6; i >= 1; --i) {
    digits[i] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  std::size_t length = 7;
  while (digits[length - 1] == '0') --length;
  out.append(digits.data(), length);
}

void AppendHex(std::string& out, std::span<const std::uint8_t> bytes) {
  const std::size_t start = out.size();
  out.resize(start + 2 + 2 * bytes.size());
  char* to = out.data() + start;
  *to++ = '0';
  *to++ = 'x';
  for (const std::uint8_t byte : bytes) {
    *to++ = kHexDigits[byte >> 4];
    *to++ = kHexDigits[byte & 15];
  }
}

std::string Hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  AppendHex(out, bytes);
  return out;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendTextPair(std::string& out, std::string_view key, std::string_view text) {
  out += '"';
  out += key;
  out += "\":";
  AppendJsonString(out, text);
  out += ',';
}

std::string IsoTime(std::int64_t unix_seconds) {
  return Formatted(unix_seconds, "%Y-%m-%dT%H:%M:%SZ");
}
std::string IsoDay(std::int64_t unix_seconds) {
  return Formatted(unix_seconds, "%Y-%m-%d");
}
std::string SpacedTime(std::int64_t unix_seconds) {
  return Formatted(unix_seconds, "%Y-%m-%d %H:%M:%S+00");
}

std::string HttpTime(std::int64_t unix_seconds) {
  return Formatted(unix_seconds, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string ToLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string Slug(std::string_view text) {
  std::string out;
  for (const char c : ToLower(text)) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::optional<std::int64_t> ParseInteger(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> ParseMillionths(std::string_view text) {
  const std::size_t dot = text.find('.');
  std::string_view fraction = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  const std::string_view whole = text.substr(0, dot);
  if (fraction.size() > 6 || whole.size() > 12 || text == "." || text.empty()) return std::nullopt;
  std::string digits = std::string(whole) + std::string(fraction);
  digits.append(6 - fraction.size(), '0');
  if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return ParseInteger(digits);
}

std::string Base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool used = i + j <= bytes.size();
      out += used ? kBase64[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return out;
}

std::string Base64Url(std::string_view bytes) {
  std::string out = Base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

std::optional<std::string> FromBase64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  std::uint32_t group = 0;
  std::uint32_t bits = 0;
  for (const char c : text) {
    const auto value = Base64Value(c);
    if (!value) return std::nullopt;
    group = group << 6 | *value;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>((group >> bits) & 0xff);
  }
  return out;
}

}  // namespace sim
