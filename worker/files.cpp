#include "worker/files.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace worker {
namespace {

using common::Done;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;

constexpr mode_t kOwnerOnly = 0600;

Error Failed(const std::string& what, const std::string& path) {
  return {ErrorKind::kTransient,
          fmt::format("{} {}: {}", what, path, std::generic_category().message(errno))};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

class SystemAppendFile final : public AppendFile {
 public:
  SystemAppendFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_.number(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Failed("cannot write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return Done{};
  }

  Status Sync() override {
    if (fdatasync(descriptor_.number()) != 0) return Failed("cannot sync", path_);
    return Done{};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

}  // namespace

Result<std::optional<std::string>> SystemFiles::Read(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file.number() < 0) return Failed("cannot open", path);
  std::string contents;
  char piece[64 * 1024];
  while (true) {
    const ssize_t size = read(file.number(), piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Failed("cannot read", path);
    if (size == 0) return std::optional<std::string>(std::move(contents));
    contents.append(piece, static_cast<std::size_t>(size));
  }
}

Result<std::unique_ptr<AppendFile>> SystemFiles::Create(const std::string& path) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly));
  if (file.number() < 0) return Failed("cannot create", path);
  return std::unique_ptr<AppendFile>(new SystemAppendFile(std::move(file), path));
}

Result<std::unique_ptr<AppendFile>> SystemFiles::Continue(const std::string& path,
                                                          std::size_t size) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (file.number() < 0) return Failed("cannot open", path);
  if (ftruncate(file.number(), static_cast<off_t>(size)) != 0) {
    return Failed("cannot truncate", path);
  }
  return std::unique_ptr<AppendFile>(new SystemAppendFile(std::move(file), path));
}

Status SystemFiles::Rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return Failed("cannot rename", from);
  const std::string parent = std::filesystem::path(to).parent_path().string();
  const std::string directory = parent.empty() ? "." : parent;
  const Descriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0 || fsync(opened.number()) != 0) return Failed("cannot sync", directory);
  return Done{};
}

void SystemFiles::Remove(const std::string& path) {
  unlink(path.c_str());
}

Result<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  std::error_code failure;
  if (std::filesystem::create_directories(directory, failure)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, failure);
  }
  const std::string path = directory + "/lock";
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) return Failed("cannot open", path);
  DirectoryLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorKind::kRejected, fmt::format("another process is using {}", directory)};
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace worker
