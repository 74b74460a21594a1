// Small files: whole, at once, or not at all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "common/error.h"

namespace cli {

std::optional<std::string> ReadFile(const std::filesystem::path& path);

// Writes beside and renames: a reader sees the old text or the new.
common::Status WriteFile(const std::filesystem::path& path, const std::string& text,
                         mode_t mode = 0600);

// The last `lines` lines that are not empty, joined by newlines; of the last 64 kB.
std::string Tail(const std::filesystem::path& path, int lines);

// An exclusive lock on a file, held by one process at a time and freed by its death. Programs that
// we start do not inherit it.
class FileLock {
 public:
  // Nothing while somebody else holds it.
  static std::optional<FileLock> Try(const std::filesystem::path& path);
  // Waits for it.
  static std::optional<FileLock> Wait(const std::filesystem::path& path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace cli
