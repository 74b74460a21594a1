// Appends to a buffer, for rows that are written by the million.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sim {

void AppendInteger(std::string& out, std::int64_t value);

// Millionths as a decimal without needless zeros. `fraction_always` writes a whole number as "5.0",
// as the Data API does.
void AppendMillionths(std::string& out, std::int64_t millionths, bool fraction_always);

// "0x" and lower-case hex digits.
void AppendHex(std::string& out, std::span<const std::uint8_t> bytes);
std::string Hex(std::span<const std::uint8_t> bytes);

// A JSON string with its quotes. Bytes above 0x7f are passed on as they are.
void AppendJsonString(std::string& out, std::string_view text);
// `"key":"text",`
void AppendTextPair(std::string& out, std::string_view key, std::string_view text);

// "2026-03-31T12:00:00Z", "2026-03-31" and Gamma's other form, "2026-03-31 12:00:00+00".
std::string IsoTime(std::int64_t unix_seconds);
std::string IsoDay(std::int64_t unix_seconds);
std::string SpacedTime(std::int64_t unix_seconds);
// "Sun, 06 Nov 1994 08:49:37 GMT", as HTTP has it.
std::string HttpTime(std::int64_t unix_seconds);

std::string ToLower(std::string_view text);

// Lower-case words joined by '-'.
std::string Slug(std::string_view text);

// Reads a decimal number that fills the whole text.
std::optional<std::int64_t> ParseInteger(std::string_view text);

// Reads "12", "0.01", ".5" as millionths; more than six decimals are refused unless they are zeros.
std::optional<std::int64_t> ParseMillionths(std::string_view text);

// Base64, for cursors. The URL alphabet has no padding.
std::string Base64(std::string_view bytes);
std::string Base64Url(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);  // reads both alphabets

}  // namespace sim
