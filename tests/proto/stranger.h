// A bare TCP connection to a channel, which knows nothing of ZeroMQ.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/random.h"

namespace proto {

class Stranger {
 public:
  explicit Stranger(const std::string& endpoint) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string port = endpoint.substr(endpoint.rfind(':') + 1);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Stranger() { close(fd_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  void Say(const std::string& bytes) { send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Reads to the end; false where none comes for long.
  bool IsCut() {
    constexpr int kPatience_ms = 20'000;
    char byte = 0;
    for (;;) {
      pollfd entry{fd_, POLLIN, 0};
      if (poll(&entry, 1, kPatience_ms) <= 0) return false;
      if (recv(fd_, &byte, 1, 0) <= 0) return true;
    }
  }

 private:
  int fd_;
};

// What such a one may say: noise, and a browser's request.
inline std::vector<std::string> GarbageOf(int count) {
  common::Random random(1);
  std::vector<std::string> all{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
  for (int i = 1; i < count; ++i) {
    std::string bytes;
    for (int k = 0; k < 300; ++k) bytes += static_cast<char>(random.Next());
    all.push_back(std::move(bytes));
  }
  return all;
}

}  // namespace proto
