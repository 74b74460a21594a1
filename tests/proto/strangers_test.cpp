// What arrives at the port without being a worker of ours, and that nobody else suffers from it.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.hpp>

#include "common/random.h"
#include "proto/channel.h"
#include "proto/codec.h"
#include "tests/proto/channel_fixture.h"

namespace proto {
namespace {

// A bare TCP connection to the channel.
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
  bool IsCut() {
    char byte = 0;
    ssize_t got = 0;
    do {
      got = recv(fd_, &byte, 1, 0);
    } while (got > 0);
    return true;
  }

 private:
  int fd_;
};

class StrangersTest : public ChannelFixture {
 protected:
  StrangersTest() {
    StartServer();
    worker_ = StartClient();
    worker_->Send(MakeHello("w-1"));
    Hear(1);
  }
  ~StrangersTest() override {
    worker_->Send(MakeBeat(42));
    EXPECT_EQ(Hear(1).at(0).message.beat().sequence(), 42U) << "an honest worker suffered";
  }

  // A peer that speaks ZeroMQ, but not our protocol.
  zmq::socket_t ConnectRaw() {
    zmq::socket_t raw(raw_context_, zmq::socket_type::dealer);
    raw.set(zmq::sockopt::linger, 0);
    raw.connect(server_->endpoint());
    return raw;
  }

  zmq::context_t raw_context_;
  std::unique_ptr<ClientChannel> worker_;
};

TEST_F(StrangersTest, SilenceIsCutAndCounted) {
  Stranger stranger(server_->endpoint());
  EXPECT_TRUE(WaitForCounter(server_->counters().handshake_failures, 1));
  EXPECT_TRUE(stranger.IsCut());
}

TEST_F(StrangersTest, GarbageIsCut) {
  common::Random random(1);
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 50; ++i) {
    crowd.push_back(std::make_unique<Stranger>(server_->endpoint()));
    std::string bytes;
    for (int k = 0; k < 300; ++k) bytes += static_cast<char>(random.Next());
    crowd.back()->Say(bytes);
  }
  for (const auto& stranger : crowd) EXPECT_TRUE(stranger->IsCut());
  Stranger browser(server_->endpoint());
  browser.Say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(browser.IsCut());
  EXPECT_TRUE(WaitForCounter(server_->counters().handshake_failures, 1));
}

TEST_F(StrangersTest, ManyConnectionsThatSayNothing) {
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 300; ++i) crowd.push_back(std::make_unique<Stranger>(server_->endpoint()));
  EXPECT_TRUE(WaitForCounter(server_->counters().handshake_failures, 300));
}

TEST_F(StrangersTest, AForeignFrameIsDroppedAndCounted) {
  zmq::socket_t raw = ConnectRaw();
  raw.send(zmq::str_buffer("hello?"), zmq::send_flags::none);
  raw.send(zmq::str_buffer(""), zmq::send_flags::none);
  EXPECT_TRUE(WaitForCounter(server_->counters().malformed, 2));
  EXPECT_EQ(server_->counters().malformed_by_reason.at("bad_magic"), 1U);
  EXPECT_EQ(server_->counters().malformed_by_reason.at("too_short"), 1U);
}

TEST_F(StrangersTest, SeveralFramesAreDroppedAndCounted) {
  zmq::socket_t raw = ConnectRaw();
  const std::string good = Encode(MakeHello("w-2"));
  for (int i = 0; i < 5; ++i) raw.send(zmq::buffer(good), zmq::send_flags::sndmore);
  raw.send(zmq::buffer(good), zmq::send_flags::none);
  EXPECT_TRUE(WaitForCounter(server_->counters().malformed, 1));
  EXPECT_EQ(server_->counters().malformed_by_reason.at("multipart"), 1U);
}

TEST_F(StrangersTest, AnOversizeFrameCutsItsSender) {
  zmq::socket_t raw = ConnectRaw();
  zmq::socket_t monitor(raw_context_, zmq::socket_type::pair);
  ASSERT_EQ(zmq_socket_monitor(raw.handle(), "inproc://raw", ZMQ_EVENT_DISCONNECTED), 0);
  monitor.set(zmq::sockopt::rcvtimeo, 20'000);
  monitor.connect("inproc://raw");
  raw.send(zmq::buffer(std::string(kLongestFrameToCoordinator + 1, 'x')), zmq::send_flags::none);
  zmq::message_t event;
  EXPECT_TRUE(monitor.recv(event).has_value());
  EXPECT_EQ(server_->counters().malformed, 0U);
}

}  // namespace
}  // namespace proto
