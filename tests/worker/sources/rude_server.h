// An HTTP server on a free loopback port that answers with the very bytes it was told, and then
// does as it was told: goes on, hangs up, resets the connection or drips for ever.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace worker {

enum class Then { kGoOn, kHangUp, kReset, kDrip, kSilence };

struct Reply {
  std::string bytes;
  Then then = Then::kGoOn;
};

// A complete answer with these headers, each ended by "\r\n".
inline std::string Complete(const std::string& body, const std::string& headers = "",
                            const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class RudeServer {
 public:
  explicit RudeServer(std::deque<Reply> replies) : replies_(std::move(replies)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, any, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~RudeServer() {
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  RudeServer(const RudeServer&) = delete;
  RudeServer& operator=(const RudeServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  int connections() const { return connections_; }
  std::string last_request() const {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }

 private:
  static constexpr int kStep_ms = 20;

  // Whether there is something to read, or the other side is gone, within a step.
  static bool Readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return poll(&wanted, 1, kStep_ms) > 0;
  }

  void Serve() {
    while (!stopping_) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++connections_;
      while (ReadRequest(fd) && AnswerNext(fd)) continue;
      close(fd);
    }
  }

  bool ReadRequest(int fd) {
    std::string request;
    for (std::size_t wanted = std::string::npos; request.size() < wanted;) {
      while (!stopping_ && !Readable(fd)) continue;
      char bytes[4096];
      const ssize_t size = stopping_ ? 0 : recv(fd, bytes, sizeof bytes, 0);
      if (size <= 0) return false;
      request.append(bytes, static_cast<std::size_t>(size));
      const std::size_t end = request.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::size_t length = request.find("Content-Length: ");
      wanted = end + 4 + (length < end ? std::stoul(request.substr(length + 16)) : 0);
    }
    const std::lock_guard lock(mutex_);
    last_request_ = request;
    return true;
  }

  // Returns whether the connection goes on.
  bool AnswerNext(int fd) {
    if (replies_.empty()) return false;
    const Reply reply = std::move(replies_.front());
    replies_.pop_front();
    for (std::size_t sent = 0; sent < reply.bytes.size();) {
      const ssize_t size =
          send(fd, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return false;
      sent += static_cast<std::size_t>(size);
    }
    if (reply.then == Then::kReset) {
      const linger at_once{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    while ((reply.then == Then::kDrip || reply.then == Then::kSilence) && !stopping_) {
      if (Readable(fd)) return false;
      if (reply.then == Then::kDrip && send(fd, " ", 1, MSG_NOSIGNAL) != 1) return false;
    }
    return reply.then == Then::kGoOn;
  }

  std::deque<Reply> replies_;  // the thread's own once it runs
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::string last_request_;
  std::thread thread_;
};

}  // namespace worker
