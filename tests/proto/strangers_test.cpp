// What arrives at the port without being a worker of ours, and that nobody else suffers from it.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zmq.hpp>

#include "proto/channel.h"
#include "proto/codec.h"
#include "tests/proto/channel_fixture.h"
#include "tests/proto/stranger.h"

namespace proto {
namespace {

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

TEST_F(StrangersTest, GarbageHarmsNobodyAndIsCut) {
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (const std::string& words : GarbageOf(50)) {
    crowd.push_back(std::make_unique<Stranger>(server_->endpoint()));
    crowd.back()->Say(words);
  }
  worker_->Send(MakeBeat(41));
  EXPECT_EQ(Hear(1).at(0).message.beat().sequence(), 41U);
  for (const auto& stranger : crowd) EXPECT_TRUE(stranger->IsCut());
}

// Left alone, libzmq ends the process if a socket closes while it takes garbage for a peer's hello.
TEST_F(StrangersTest, ASocketMayCloseWhileGarbageComesIn) {
  for (int i = 0; i < 100; ++i) {
    Context context;
    const auto server = ServerChannel::Open(context, {"tcp://127.0.0.1:*", "", false, kPatience});
    ASSERT_TRUE(server);
    std::vector<std::unique_ptr<Stranger>> crowd;
    for (const std::string& words : GarbageOf(20)) {
      crowd.push_back(std::make_unique<Stranger>((*server)->endpoint()));
      crowd.back()->Say(words);
    }
  }
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
