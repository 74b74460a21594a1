// Recorded files, and JSON whose numbers stay text: an amount is never a floating-point number.
//
// All of this runs at start-up and throws std::exception where a file cannot be read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

// The fields of an object. Strings are without quotes and escapes; numbers, lists and objects are
// as they were written; null is "".
using JsonFields = std::map<std::string, std::string, std::less<>>;

JsonFields ReadFields(std::string_view object);
// The elements of an array, each as in JsonFields. "" has none.
std::vector<std::string> ReadElements(std::string_view array);
// "" for a field that is not there.
const std::string& TextOf(const JsonFields& fields, std::string_view name);

// The bytes of a file, unpacked if its name ends in ".zst". "" if there is no such file.
std::string ReadRecording(const std::string& path);
// Split at '\n' alone: titles contain other line ends.
std::vector<std::string_view> SplitLines(std::string_view text);

// "2026-03-31T12:00:00.5Z" and "2026-05-09 02:07:01+00"; 0 for "".
std::int64_t ParseTime(std::string_view text);

}  // namespace sim
