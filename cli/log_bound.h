// Log files of a bounded size.
#pragma once

#include <cstdint>
#include <filesystem>

namespace cli {

inline constexpr std::uintmax_t kMaxLogBytes = 32'000'000;

// A log beyond `max_bytes` is copied to <path>.1, in place of the former one, and emptied. Its
// writer has it open for appending and goes on at the beginning; what it writes during the copy
// is lost. So a program with a log needs no signal, and does not know.
void BoundLog(const std::filesystem::path& path, std::uintmax_t max_bytes);

}  // namespace cli
