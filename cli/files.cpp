#include "cli/files.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cli {
namespace {

constexpr std::streamoff kTailBytes = 65'536;

std::optional<int> Lock(const std::filesystem::path& path, int how) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return std::nullopt;
  if (flock(fd, how) != 0) {
    close(fd);
    return std::nullopt;
  }
  return fd;
}

bool WriteAll(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

std::optional<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

common::Status WriteFile(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  std::string beside = path.string() + ".XXXXXX";
  const int fd = mkostemp(beside.data(), O_CLOEXEC);
  bool is_done = fd >= 0 && fchmod(fd, mode) == 0 && WriteAll(fd, text) && fsync(fd) == 0;
  is_done = is_done && std::rename(beside.c_str(), path.c_str()) == 0;
  const int cause = errno;
  if (fd >= 0) close(fd);
  if (is_done) return common::Done{};
  if (fd >= 0) unlink(beside.c_str());
  return common::Error{common::ErrorKind::kTransient, "cannot write " + path.string() + ": " +
                                                          std::generic_category().message(cause)};
}

std::string Tail(const std::filesystem::path& path, int lines) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  file.seekg(std::max<std::streamoff>(0, std::streamoff(file.tellg()) - kTailBytes));
  std::vector<std::string> all;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) all.push_back(std::move(line));
  }
  std::string text;
  const std::size_t wanted = static_cast<std::size_t>(lines);
  for (std::size_t i = all.size() > wanted ? all.size() - wanted : 0; i < all.size(); ++i) {
    text += (text.empty() ? "" : "\n") + all[i];
  }
  return text;
}

std::optional<FileLock> FileLock::Try(const std::filesystem::path& path) {
  const std::optional<int> fd = Lock(path, LOCK_EX | LOCK_NB);
  if (!fd) return std::nullopt;
  return FileLock(*fd);
}

std::optional<FileLock> FileLock::Wait(const std::filesystem::path& path) {
  const std::optional<int> fd = Lock(path, LOCK_EX);
  if (!fd) return std::nullopt;
  return FileLock(*fd);
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace cli
