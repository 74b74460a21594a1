#include "tests/e2e/strangers.h"

#include <array>
#include <deque>
#include <fstream>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/random.h"

namespace e2e {
namespace {

constexpr std::size_t kAtATime = 64;

// Of ZMTP 3.1, without the last bytes.
std::string HalfAGreeting() {
  std::string greeting(40, '\0');
  greeting[0] = '\xff';
  greeting[9] = '\x7f';
  greeting[10] = 3;
  greeting[11] = 1;
  return greeting.replace(12, 4, "NULL");
}

std::string Noise(common::Random& random) {
  std::array<std::uint64_t, 32> words{};
  for (std::uint64_t& word : words) word = random.Next();
  return {reinterpret_cast<const char*>(words.data()), sizeof words};
}

// Most leave with a reset, so that no port waits for stragglers afterwards.
void Leave(int fd, bool in_order) {
  const linger at_once{1, 0};
  if (!in_order) setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

}  // namespace

int SendStrangers(int port, int count) {
  common::Random random(5);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::deque<int> open;
  int entered = 0;
  for (int i = 0; i < count; ++i) {
    if (open.size() >= kAtATime) {
      Leave(open.front(), i % 16 == 0);
      open.pop_front();
    }
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      if (fd >= 0) close(fd);
      continue;
    }
    ++entered;
    open.push_back(fd);
    const std::string words = i % 3 == 0 ? "" : i % 3 == 1 ? Noise(random) : HalfAGreeting();
    (void)send(fd, words.data(), words.size(), MSG_NOSIGNAL);
  }
  for (const int fd : open) Leave(fd, false);
  return entered;
}

long long ResidentBytes(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  long long total = 0;
  long long resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace e2e
