// The file operations that the checkpoint needs, so that tests can let each of them fail.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace worker {

// A file that is only ever appended to. After a failed Sync() it must not be used again: the kernel
// may have dropped the pages and would report success next time.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  virtual common::Status Append(std::string_view bytes) = 0;
  virtual common::Status Sync() = 0;
};

class Files {
 public:
  virtual ~Files() = default;
  // The whole file; nothing if there is none.
  virtual common::Result<std::optional<std::string>> Read(const std::string& path) = 0;
  // Empty, readable by its owner alone.
  virtual common::Result<std::unique_ptr<AppendFile>> Create(const std::string& path) = 0;
  // Keeps the first `size` bytes and goes on after them.
  virtual common::Result<std::unique_ptr<AppendFile>> Continue(const std::string& path,
                                                               std::size_t size) = 0;
  // Durable when it returns: the directory is synced too.
  virtual common::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual void Remove(const std::string& path) = 0;
};

class SystemFiles final : public Files {
 public:
  common::Result<std::optional<std::string>> Read(const std::string& path) override;
  common::Result<std::unique_ptr<AppendFile>> Create(const std::string& path) override;
  common::Result<std::unique_ptr<AppendFile>> Continue(const std::string& path,
                                                       std::size_t size) override;
  common::Status Rename(const std::string& from, const std::string& to) override;
  void Remove(const std::string& path) override;
};

// Holds a directory for one process, until it ends however it ends.
class DirectoryLock {
 public:
  // Makes the directory (mode 0700) and locks `<directory>/lock`. kRejected: another process has
  // it.
  static common::Result<DirectoryLock> Take(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace worker
