#include "tests/e2e/proxy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/check.h"

namespace e2e {
namespace {

constexpr int kBacklog = 256;
constexpr int kTurnMs = 5;

// Orders of the loopback; neither side waits for more bytes to come.
void SendAtOnce(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

std::uint64_t Unread(int fd) {
  int bytes = 0;
  if (fd < 0 || ioctl(fd, FIONREAD, &bytes) != 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

Proxy::Proxy(const std::string& upstream) : upstream_(upstream) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  CHECK(listen(listener_, kBacklog) == 0);
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

Proxy::~Proxy() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  thread_.join();
  for (Link& link : links_) Close(link, false);
  for (const int fd : abandoned_) close(fd);
  close(listener_);
}

// --- Orders ------------------------------------------------------------------------------------

void Proxy::Redirect(const std::string& upstream) {
  const std::lock_guard lock(mutex_);
  upstream_ = upstream;
}

void Proxy::Partition() {
  const std::lock_guard lock(mutex_);
  is_parted_ = true;
}

void Proxy::Heal() {
  const std::lock_guard lock(mutex_);
  if (is_parted_) {
    for (const Link& link : links_) counts_.held += OnTheWay(link);
  }
  is_parted_ = false;
}

void Proxy::CutAll() {
  const std::lock_guard lock(mutex_);
  CutLinks(false);
}

void Proxy::Abandon() {
  const std::lock_guard lock(mutex_);
  CutLinks(true);
}

void Proxy::CutEach(Milliseconds period) {
  const std::lock_guard lock(mutex_);
  cut_each_ = period;
  cut_at_ = Clock::now() + period;
}

void Proxy::Delay(Milliseconds mean, Milliseconds jitter) {
  const std::lock_guard lock(mutex_);
  delay_ = mean;
  jitter_ = std::min(mean, jitter);
}

Proxy::Counts Proxy::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// --- The thread --------------------------------------------------------------------------------

void Proxy::Run() {
  for (;;) {
    Wait();
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    Accept();
    if (cut_each_.count() > 0 && Clock::now() >= cut_at_) {
      cut_at_ = Clock::now() + cut_each_;
      CutLinks(false);
    }
    if (is_parted_) continue;
    for (auto link = links_.begin(); link != links_.end();) {
      link = Pump(*link) ? std::next(link) : links_.erase(link);
    }
  }
}

// Only tells that it is worth looking; what there is to do is tried on every connection.
void Proxy::Wait() {
  std::vector<pollfd> waits = {{listener_, POLLIN, 0}};
  {
    const std::lock_guard lock(mutex_);
    for (const Link& link : links_) {
      if (is_parted_) break;
      if (link.up.CanTake()) waits.push_back({link.client, POLLIN, 0});
      if (link.down.CanTake()) waits.push_back({link.upstream, POLLIN, 0});
    }
  }
  poll(waits.data(), waits.size(), kTurnMs);
}

void Proxy::Accept() {
  for (;;) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    SendAtOnce(client);
    ++counts_.connections;
    if (is_parted_) ++counts_.silent;
    links_.emplace_back().client = client;
  }
}

bool Proxy::Connect(Link& link) const {
  const std::string prefix = "tcp://127.0.0.1:";
  int failed = 0;
  if (upstream_.starts_with(prefix)) {
    link.upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(std::stoi(upstream_.substr(prefix.size())));
    failed = connect(link.upstream, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    SendAtOnce(link.upstream);
  } else {
    link.upstream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(upstream_.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, upstream_.data(), upstream_.size());
    failed = connect(link.upstream, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const int yes = 1;
  ioctl(link.upstream, FIONBIO, &yes);
  return failed == 0;
}

bool Proxy::Pump(Link& link) {
  bool lives = link.upstream >= 0 || Connect(link);
  lives = lives && Move(link.client, link.upstream, link.up) &&
          Move(link.upstream, link.client, link.down);
  const bool is_over = link.up.is_ended && link.down.is_ended;
  if (lives && !is_over) return true;
  Close(link, !is_over);
  return false;
}

bool Proxy::Move(int from, int to, Way& way) {
  return Take(from, way) && Give(to, way);
}

bool Proxy::Take(int from, Way& way) {
  std::array<char, 16384> buffer;
  while (way.CanTake()) {
    const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
    if (got < 0) return WouldBlock();
    if (got == 0) {
      way.has_end = true;
      break;
    }
    Clock::time_point due = Clock::now();
    if (delay_.count() > 0) {
      const auto spread = static_cast<std::uint64_t>(2 * jitter_.count() + 1);
      due += delay_ - jitter_ + Milliseconds(random_.Below(spread));
      counts_.delayed += static_cast<std::uint64_t>(got);
    }
    if (!way.waiting.empty()) due = std::max(due, way.waiting.back().due);
    const auto size = static_cast<std::size_t>(got);
    way.waiting.push_back({std::string(buffer.data(), size), due});
    way.size += size;
  }
  return true;
}

bool Proxy::Give(int to, Way& way) {
  while (!way.waiting.empty() && way.waiting.front().due <= Clock::now()) {
    std::string& bytes = way.waiting.front().bytes;
    const ssize_t gone = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (gone < 0) return WouldBlock();
    const auto size = static_cast<std::size_t>(gone);
    counts_.bytes += size;
    way.size -= size;
    bytes.erase(0, size);
    if (bytes.empty()) way.waiting.pop_front();
  }
  if (way.has_end && way.waiting.empty() && !way.is_ended) {
    way.is_ended = true;
    shutdown(to, SHUT_WR);
  }
  return true;
}

void Proxy::CutLinks(bool one_side) {
  for (Link& link : links_) {
    if (is_parted_) counts_.held += OnTheWay(link);
    if (one_side && link.upstream >= 0) abandoned_.push_back(std::exchange(link.upstream, -1));
    ++counts_.resets;
    Close(link, true);
  }
  links_.clear();
}

std::uint64_t Proxy::OnTheWay(const Link& link) {
  return link.up.size + link.down.size + Unread(link.client) + Unread(link.upstream);
}

void Proxy::Close(Link& link, bool reset) {
  for (int* const fd : {&link.client, &link.upstream}) {
    if (*fd < 0) continue;
    const linger at_once{1, 0};
    if (reset) setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(*fd);
    *fd = -1;
  }
}

}  // namespace e2e
