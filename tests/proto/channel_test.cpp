#include "proto/channel.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/proto/channel_fixture.h"

namespace proto {
namespace {

class ChannelTest : public ChannelFixture {
 protected:
  ChannelTest() { StartServer(); }

  // A worker whose HELLO has arrived, and its connection.
  std::pair<std::unique_ptr<ClientChannel>, ConnectionId> Join(const std::string& name) {
    auto client = StartClient();
    EXPECT_EQ(client->Send(MakeHello(name)), SendResult::kSent);
    auto heard = Hear(1);
    EXPECT_EQ(heard.at(0).message.hello().worker_id(), name);
    return {std::move(client), heard.at(0).connection};
  }
};

TEST_F(ChannelTest, MessagesGoThereAndBack) {
  auto [client, connection] = Join("w-1");
  EXPECT_EQ(server_->Send(connection, MakeWelcome()), SendResult::kSent);
  EXPECT_EQ(Hear(*client, 1).at(0).welcome().lease_ms(), 15000U);
  EXPECT_FALSE(server_->has_keys());
}

TEST_F(ChannelTest, WithoutKeysNobodyIsProven) {
  auto client = StartClient();
  client->Send(MakeHello("w-1"));
  EXPECT_FALSE(Hear(1).at(0).user_id);
}

TEST_F(ChannelTest, WorkersAreToldApart) {
  auto [one, first] = Join("w-1");
  auto [two, second] = Join("w-2");
  EXPECT_NE(first, second);
  server_->Send(second, MakeAssign());
  EXPECT_EQ(Hear(*two, 1).at(0).assign().chunk(), 7);
  EXPECT_TRUE(one->Receive().empty());
}

TEST_F(ChannelTest, TheDescriptorTellsOfEveryMessageOfAFlood) {
  constexpr std::uint64_t kMessages = 5000;
  auto [client, connection] = Join("w-1");
  std::thread sender([&worker = *client] {
    for (std::uint64_t sent = 0; sent < kMessages;) {
      if (worker.Send(MakeBeat(sent)) == SendResult::kSent) {
        ++sent;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t heard = 0;
  EXPECT_TRUE(Wait(server_->fd(), [&] {
    for (const Incoming& incoming : server_->Receive()) {
      EXPECT_EQ(incoming.message.beat().sequence(), heard++);
    }
    return heard == kMessages;
  }));
  sender.join();
}

TEST_F(ChannelTest, AnEdgeSwallowedBySendingIsNotLost) {
  auto [client, connection] = Join("w-1");
  for (int round = 0; round < 200; ++round) {
    client->Send(MakeBeat(1));
    for (int i = 0; i < 20; ++i) server_->Send(connection, MakeWelcome());
    ASSERT_EQ(Hear(1).size(), 1U) << round;
    ASSERT_EQ(Hear(*client, 20).size(), 20U) << round;
  }
}

TEST_F(ChannelTest, AVanishedPeerIsGone) {
  auto [client, connection] = Join("w-1");
  client.reset();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  SendResult result = SendResult::kSent;
  while (result != SendResult::kGone && std::chrono::steady_clock::now() < deadline) {
    result = server_->Send(connection, MakeWelcome());
  }
  EXPECT_EQ(result, SendResult::kGone);
  EXPECT_GE(server_->counters().gone, 1U);
}

TEST_F(ChannelTest, APeerThatDoesNotReadIsFull) {
  auto [client, connection] = Join("w-1");
  Envelope large = MakeAssign();
  large.mutable_assign()->set_source(std::string(100'000, 'x'));
  SendResult result = SendResult::kSent;
  for (int i = 0; i < 5000 && result == SendResult::kSent; ++i) {
    result = server_->Send(connection, large);
  }
  EXPECT_EQ(result, SendResult::kFull);
}

TEST_F(ChannelTest, AMessageTooLongIsNotSent) {
  auto [client, connection] = Join("w-1");
  Envelope large = MakeHello("w-1");
  large.mutable_hello()->set_host(std::string(std::size_t{2} << 20U, 'x'));
  EXPECT_EQ(client->Send(large), SendResult::kTooLong);
}

TEST_F(ChannelTest, ResetMakesANewConnectionOnTheSameDescriptor) {
  auto [client, connection] = Join("w-1");
  const int fd = client->fd();
  ASSERT_TRUE(client->Reset());
  EXPECT_EQ(client->fd(), fd);
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kConnected));
  client->Send(MakeHello("w-1"));
  const auto heard = Hear(1);
  EXPECT_NE(heard.at(0).connection, connection);
  server_->Send(heard.at(0).connection, MakeWelcome());
  EXPECT_EQ(Hear(*client, 1).size(), 1U);
}

TEST_F(ChannelTest, AWorkerFindsACoordinatorThatStartsAgain) {
  auto [client, connection] = Join("w-1");
  const std::string address = server_->endpoint();
  server_.reset();
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kDisconnected));
  auto again = ServerChannel::Open(context_, {address, "", false, {}});
  while (!again) again = ServerChannel::Open(context_, {address, "", false, {}});
  server_ = std::move(again).value();
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kConnected));
  client->Send(MakeHello("w-1"));
  EXPECT_EQ(Hear(1).size(), 1U);
}

TEST_F(ChannelTest, AnOrderlyStopSendsTheLastMessage) {
  auto context = std::make_unique<Context>();
  auto client = ClientChannel::Open(*context, {server_->endpoint(), std::nullopt, {}});
  ASSERT_TRUE(client);
  EXPECT_TRUE(WaitFor(**client, ConnectionEvent::kConnected));
  (*client)->Send(MakeHello("w-1"));
  (*client)->LingerOnClose();
  client->reset();
  context.reset();
  EXPECT_EQ(Hear(1).at(0).message.hello().worker_id(), "w-1");
}

TEST_F(ChannelTest, RefusesAddressesItCannotUse) {
  EXPECT_FALSE(ServerChannel::Open(context_, {server_->endpoint(), "", false, {}}));
  for (const char* address : {"", "127.0.0.1:0", "tcp://127.0.0.1", "tcp://nowhere.invalid:5600",
                              "udp://127.0.0.1:1", "tcp://:1"}) {
    EXPECT_FALSE(ServerChannel::Open(context_, {address, "", false, {}})) << address;
  }
}

TEST_F(ChannelTest, WithoutKeysOnlyLoopbackIsServed) {
  for (const char* address : {"tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:0"}) {
    const auto refused = ServerChannel::Open(context_, {address, "", false, {}});
    ASSERT_FALSE(refused) << address;
    EXPECT_NE(refused.error().message.find("--insecure"), std::string::npos);
  }
  EXPECT_TRUE(ServerChannel::Open(context_, {"tcp://0.0.0.0:*", "", true, {}}));
  EXPECT_TRUE(ServerChannel::Open(context_, {"tcp://localhost:0", "", false, {}}));
}

}  // namespace
}  // namespace proto
