#include "proto/keys.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "common/logging.h"

namespace proto {
namespace {

namespace fs = std::filesystem;
using common::Done;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;
using common::WorkerId;

constexpr mode_t kSecretMode = 0600;
constexpr mode_t kPublicMode = 0644;
constexpr std::string_view kPublicSuffix = ".pub";

Error Refused(const fs::path& file, const std::string& why) {
  return {ErrorKind::kRejected, file.string() + ": " + why};
}

Error SystemError(const fs::path& file, const std::string& what) {
  return Refused(file, what + ": " + std::generic_category().message(errno));
}

// A descriptor that is closed at the end of its scope.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool IsKey(const std::string& z85) {
  std::array<std::uint8_t, kKeySize> bytes{};
  return z85.size() == kZ85Size && zmq_z85_decode(bytes.data(), z85.c_str()) != nullptr;
}

Result<std::string> ReadKeyFile(const fs::path& file, bool is_secret) {
  const File opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.fd() < 0) return SystemError(file, "cannot read the key");
  struct stat about {};
  if (fstat(opened.fd(), &about) != 0) return SystemError(file, "cannot read the key");
  if (is_secret && (about.st_mode & 077U) != 0) {
    return Refused(file, "others can read this secret key; run: chmod 600 " + file.string());
  }
  std::array<char, 128> buffer{};
  const ssize_t got = read(opened.fd(), buffer.data(), buffer.size());
  if (got < 0) return SystemError(file, "cannot read the key");
  std::string text(buffer.data(), static_cast<std::size_t>(got));
  text.erase(text.find_last_not_of(" \r\n") + 1);
  if (!IsKey(text)) return Refused(file, "this is no key: 40 Z85 characters are expected");
  return text;
}

// Writes beside the file and renames, so that a reader sees a whole key or none.
Status WriteKeyFile(const fs::path& file, const std::string& z85, mode_t mode) {
  const fs::path fresh = file.string() + ".new";
  {
    const File opened(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (opened.fd() < 0 || fchmod(opened.fd(), mode) != 0) {
      return SystemError(fresh, "cannot write the key");
    }
    const std::string line = z85 + "\n";
    const ssize_t written = write(opened.fd(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size()) || fsync(opened.fd()) != 0) {
      return SystemError(fresh, "cannot write the key");
    }
  }
  if (rename(fresh.c_str(), file.c_str()) != 0) return SystemError(file, "cannot write the key");
  return Done{};
}

Status MakeFolder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!failure) fs::permissions(folder, fs::perms::owner_all, failure);
  if (failure) return Refused(folder, "cannot make the folder: " + failure.message());
  return Done{};
}

Result<KeyPair> MakeKeyPair() {
  std::array<char, kZ85Size + 1> public_key{};
  std::array<char, kZ85Size + 1> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    return Error{ErrorKind::kRejected, "this build of ZeroMQ has no CURVE"};
  }
  return KeyPair{public_key.data(), secret_key.data()};
}

// The pair in `file`, made if there is none yet.
Result<KeyPair> ReadOrMake(const fs::path& file) {
  std::error_code failure;
  if (fs::exists(file, failure)) return ReadKeyPair(file);
  Result<KeyPair> pair = MakeKeyPair();
  if (!pair) return pair;
  const Status written = WriteKeyFile(file, pair->secret_z85, kSecretMode);
  if (!written) return written.error();
  return pair;
}

}  // namespace

fs::path KeyFolder::WorkerKey(const WorkerId& worker) const {
  return folder_ / "workers" / (worker.value + ".key");
}

fs::path KeyFolder::AuthorizedKey(const WorkerId& worker) const {
  return folder_ / "authorized" / (worker.value + std::string(kPublicSuffix));
}

Status KeyFolder::Init() const {
  for (const char* name : {"", "workers", "authorized"}) {
    if (Status made = MakeFolder(folder_ / name); !made) return made;
  }
  const Result<KeyPair> pair = ReadOrMake(folder_ / "coordinator.key");
  if (!pair) return pair.error();
  return WriteKeyFile(folder_ / "coordinator.pub", pair->public_z85, kPublicMode);
}

Status KeyFolder::AddWorker(const WorkerId& worker) const {
  const Result<KeyPair> pair = ReadOrMake(WorkerKey(worker));
  if (!pair) return pair.error();
  return Authorise(worker, pair->public_z85);
}

Status KeyFolder::Authorise(const WorkerId& worker, const std::string& public_z85) const {
  const fs::path file = AuthorizedKey(worker);
  if (!IsKey(public_z85)) return Refused(file, "this is no key: 40 Z85 characters are expected");
  const Result<AllowList> list = ReadAllowList();
  if (!list) return list.error();
  const auto found = list->find(public_z85);
  if (found != list->end() && found->second != worker) {
    return Refused(file, "this key is worker " + found->second.value + "'s already");
  }
  return WriteKeyFile(file, public_z85, kPublicMode);
}

Status KeyFolder::Revoke(const WorkerId& worker) const {
  const fs::path file = AuthorizedKey(worker);
  if (unlink(file.c_str()) != 0) return SystemError(file, "cannot revoke");
  return Done{};
}

Result<KeyPair> KeyFolder::ReadCoordinator() const {
  return ReadKeyPair(folder_ / "coordinator.key");
}

Result<ClientKeys> KeyFolder::ReadClient(const WorkerId& worker, const fs::path& server_key) const {
  Result<KeyPair> own = ReadKeyPair(WorkerKey(worker));
  if (!own) return own.error();
  Result<std::string> server =
      ReadPublicKey(server_key.empty() ? folder_ / "coordinator.pub" : server_key);
  if (!server) return server.error();
  return ClientKeys{std::move(own).value(), std::move(server).value()};
}

Result<AllowList> KeyFolder::ReadAllowList() const {
  std::error_code failure;
  std::map<WorkerId, fs::path> files;
  for (fs::directory_iterator entry(folder_ / "authorized", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const fs::path& file = entry->path();
    const auto worker = common::ParseWorkerId(file.stem().string());
    if (file.extension() == kPublicSuffix && worker) files.emplace(*worker, file);
  }
  if (failure) return Refused(folder_ / "authorized", "cannot list the keys: " + failure.message());
  AllowList list;
  for (const auto& [worker, file] : files) {
    const Result<std::string> key = ReadPublicKey(file);
    if (!key) {
      common::LogWarning("key_left_out", {{"file", file.string()}, {"why", key.error().message}});
    } else if (!list.emplace(*key, worker).second) {
      common::LogWarning("key_left_out",
                         {{"file", file.string()}, {"why", "this key is another worker's"}});
    }
  }
  return list;
}

std::optional<fs::file_time_type> KeyFolder::AuthorizedChangedAt() const {
  std::error_code failure;
  const fs::file_time_type changed_at = fs::last_write_time(folder_ / "authorized", failure);
  return failure ? std::nullopt : std::optional(changed_at);
}

Result<KeyPair> ReadKeyPair(const fs::path& file) {
  Result<std::string> secret = ReadKeyFile(file, true);
  if (!secret) return secret.error();
  std::array<char, kZ85Size + 1> public_key{};
  if (zmq_curve_public(public_key.data(), secret->c_str()) != 0) {
    return Refused(file, "this key cannot be used");
  }
  return KeyPair{public_key.data(), std::move(secret).value()};
}

Result<std::string> ReadPublicKey(const fs::path& file) {
  return ReadKeyFile(file, false);
}

}  // namespace proto
