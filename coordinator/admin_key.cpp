#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/environment.h"
#include "coordinator/admin_server.h"

namespace coordinator {

using common::Error;
using common::ErrorKind;
using common::Result;

Result<std::string> ReadApiKey(const std::string& state_dir) {
  std::string given = common::Variable("SEINE_API_KEY");
  if (!given.empty()) return given;
  const std::string path = state_dir + "/admin.key";
  std::ifstream file(path);
  std::string key;
  if (file && std::getline(file, key) && key.size() >= 16) return key;
  unsigned char bytes[32];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    return Error{ErrorKind::kTransient, "no random bytes from the system"};
  }
  key.clear();
  for (const unsigned char byte : bytes) key += fmt::format("{:02x}", byte);
  const std::string fresh = path + ".new";
  const int made = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string line = key + "\n";
  const bool written = made >= 0 &&
                       write(made, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       fsync(made) == 0;
  if (made >= 0) close(made);
  if (!written || rename(fresh.c_str(), path.c_str()) != 0) {
    return Error{ErrorKind::kRejected, "cannot write " + path};
  }
  return key;
}

}  // namespace coordinator
