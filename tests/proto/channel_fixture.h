// A coordinator's channel and workers' channels over real sockets on a free port.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "proto/channel.h"
#include "tests/proto/samples.h"
#include "tests/proto/temp_folder.h"

namespace proto {

class ChannelFixture : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{20};

  void StartServer(const std::string& keys_dir = "") {
    ServerOptions options{"tcp://127.0.0.1:*", keys_dir, false, std::chrono::milliseconds(300)};
    auto opened = ServerChannel::Open(context_, options);
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(opened).value();
  }

  std::unique_ptr<ClientChannel> StartClient(std::optional<ClientKeys> keys = std::nullopt) {
    auto opened = ClientChannel::Open(
        context_, {server_->endpoint(), std::move(keys), std::chrono::milliseconds(300)});
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened).value();
  }

  // Waits on descriptors alone, as the programs do, until `is_done`; false when patience is out.
  bool Wait(int fd, const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!is_done()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      pollfd entry{fd, POLLIN, 0};
      if (left.count() <= 0 || poll(&entry, 1, static_cast<int>(left.count())) < 0) return false;
    }
    return true;
  }

  // Everything the server hears until there are `count` messages.
  std::vector<Incoming> Hear(std::size_t count) {
    std::vector<Incoming> heard;
    Wait(server_->fd(), [&] {
      for (Incoming& incoming : server_->Receive()) heard.push_back(std::move(incoming));
      return heard.size() >= count;
    });
    EXPECT_EQ(heard.size(), count);
    return heard;
  }

  std::vector<Envelope> Hear(ClientChannel& client, std::size_t count) {
    std::vector<Envelope> heard;
    Wait(client.fd(), [&] {
      client.TakeEvents();
      for (Envelope& message : client.Receive()) heard.push_back(std::move(message));
      return heard.size() >= count;
    });
    EXPECT_EQ(heard.size(), count);
    return heard;
  }

  bool WaitFor(ClientChannel& client, ConnectionEvent wanted) {
    return Wait(client.fd(), [&] {
      client.Receive();
      for (const ConnectionEvent event : client.TakeEvents()) {
        if (event == wanted) return true;
      }
      return false;
    });
  }

  bool WaitForCounter(const std::uint64_t& counter, std::uint64_t least) {
    return Wait(server_->fd(), [&] {
      server_->Receive();
      return counter >= least;
    });
  }

  Context context_;
  std::unique_ptr<ServerChannel> server_;
};

}  // namespace proto
