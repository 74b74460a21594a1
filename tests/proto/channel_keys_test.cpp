#include <gtest/gtest.h>

#include "common/failpoint.h"
#include "proto/channel.h"
#include "tests/proto/channel_fixture.h"
#include "tests/proto/stranger.h"

namespace proto {
namespace {

using common::WorkerId;

const WorkerId kWorker{"w-1"};

// A coordinator with keys, and one authorised worker.
class ChannelKeysTest : public ChannelFixture {
 protected:
  ChannelKeysTest() {
    EXPECT_TRUE(keys_.Init());
    EXPECT_TRUE(keys_.AddWorker(kWorker));
  }
  void Start() { StartServer(keys_.path().string()); }

  ClientKeys KeysOf(const WorkerId& worker) const {
    auto keys = keys_.ReadClient(worker, "");
    EXPECT_TRUE(keys) << keys.error().message;
    return std::move(keys).value();
  }

  // The keys of a worker that the coordinator has never heard of.
  ClientKeys StrangersKeys() {
    const KeyFolder other(folder_.path() / "other");
    EXPECT_TRUE(other.Init());
    EXPECT_TRUE(other.AddWorker(kWorker));
    return *other.ReadClient(kWorker, keys_.path() / "coordinator.pub");
  }

  TempFolder folder_;
  KeyFolder keys_{folder_.path() / "keys"};
};

TEST_F(ChannelKeysTest, AnAuthorisedWorkerIsProven) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("w-1"));
  const auto heard = Hear(1);
  EXPECT_EQ(heard.at(0).user_id, kWorker);
  EXPECT_EQ(server_->Send(heard.at(0).connection, MakeWelcome()), SendResult::kSent);
  EXPECT_EQ(Hear(*client, 1).size(), 1U);
}

TEST_F(ChannelKeysTest, TheNameIsProvenOnEveryMessageTheFirstOneToo) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  for (int i = 0; i < 100; ++i) client->Send(MakeBeat(1));
  for (const Incoming& incoming : Hear(100)) EXPECT_EQ(incoming.user_id, kWorker);
}

TEST_F(ChannelKeysTest, AWrongNameShowsBesideTheProvenOne) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("somebody-else"));
  const auto heard = Hear(1);
  EXPECT_EQ(heard.at(0).user_id, kWorker);
  EXPECT_NE(heard.at(0).message.hello().worker_id(), kWorker.value);
}

TEST_F(ChannelKeysTest, AnUnknownKeyIsRefusedAndKnowsIt) {
  Start();
  auto client = StartClient(StrangersKeys());
  client->Send(MakeHello("w-1"));
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kNotAuthorised));
  EXPECT_TRUE(WaitForCounter(server_->counters().refused_keys, 1));
  EXPECT_EQ(server_->counters().received, 0U);
}

TEST_F(ChannelKeysTest, ARevokedKeyIsNotHeardAnyMore) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("w-1"));
  Hear(1);
  ASSERT_TRUE(keys_.Revoke(kWorker));
  ASSERT_TRUE(server_->ReloadKeys());
  client->Send(MakeBeat(1));
  EXPECT_TRUE(WaitForCounter(server_->counters().revoked, 1));
  EXPECT_EQ(Hear(*client, 1).at(0).reject().reason(), Reject::NOT_AUTHORISED);
  ASSERT_TRUE(client->Reset());
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kNotAuthorised));
}

TEST_F(ChannelKeysTest, ANewKeyUnderAnOldNameDoesNotReviveTheOldKey) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("w-1"));
  Hear(1);
  ASSERT_TRUE(keys_.Authorise(kWorker, StrangersKeys().own.public_z85));
  ASSERT_TRUE(server_->ReloadKeys());
  client->Send(MakeBeat(1));
  EXPECT_TRUE(WaitForCounter(server_->counters().revoked, 1));
}

TEST_F(ChannelKeysTest, AKeyThatIsAuthorisedLaterComesIn) {
  Start();
  const ClientKeys keys = StrangersKeys();
  auto client = StartClient(keys);
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kNotAuthorised));
  ASSERT_TRUE(keys_.Authorise(WorkerId{"w-2"}, keys.own.public_z85));
  ASSERT_TRUE(server_->ReloadKeys());
  ASSERT_TRUE(client->Reset());
  client->Send(MakeHello("w-2"));
  EXPECT_EQ(Hear(1).at(0).user_id, WorkerId{"w-2"});
}

TEST_F(ChannelKeysTest, AKeyThatIsAuthorisedLaterNeedsNoReload) {
  Start();
  for (const char* const name : {"w-2", "w-3", "w-4"}) {
    ASSERT_TRUE(keys_.AddWorker(WorkerId{name}));
    auto client = StartClient(KeysOf(WorkerId{name}));
    client->Send(MakeHello(name));
    EXPECT_EQ(Hear(1).at(0).user_id, WorkerId{name});
  }
  EXPECT_EQ(server_->counters().refused_keys, 0U);
}

TEST_F(ChannelKeysTest, ARevokedKeyIsNoticedWithoutAReload) {
  Start();
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("w-1"));
  Hear(1);
  ASSERT_TRUE(keys_.Revoke(kWorker));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (server_->counters().revoked == 0 && std::chrono::steady_clock::now() < deadline) {
    client->Send(MakeBeat(1));
    pollfd entry{server_->fd(), POLLIN, 0};
    poll(&entry, 1, 50);
    server_->Receive();
    client->Receive();
  }
  EXPECT_GT(server_->counters().revoked, 0U);
}

TEST_F(ChannelKeysTest, AWorkerWithAnotherCoordinatorsKeyFailsTheHandshake) {
  Start();
  ClientKeys keys = KeysOf(kWorker);
  keys.server_public_z85 = StrangersKeys().own.public_z85;
  auto client = StartClient(keys);
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kHandshakeFailed));
  EXPECT_TRUE(WaitForCounter(server_->counters().handshake_failures, 1));
}

TEST_F(ChannelKeysTest, AWorkerWithoutKeysLearnsOfTheMismatch) {
  Start();
  auto client = StartClient();
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kMechanismMismatch));
}

TEST_F(ChannelKeysTest, AWorkerWithKeysLearnsThatTheCoordinatorHasNone) {
  StartServer();
  auto client = StartClient(KeysOf(kWorker));
  EXPECT_TRUE(WaitFor(*client, ConnectionEvent::kMechanismMismatch));
}

TEST_F(ChannelKeysTest, WithoutAnAuthenticatorNobodyGetsIn) {
  ASSERT_TRUE(common::ArmFailpoints("no_authenticator=error"));
  Start();
  ASSERT_TRUE(common::ArmFailpoints(""));
  auto client = StartClient(KeysOf(kWorker));
  client->Send(MakeHello("w-1"));
  EXPECT_TRUE(WaitForCounter(server_->counters().handshake_failures, 1));
  EXPECT_EQ(server_->counters().received, 0U);
}

TEST_F(ChannelKeysTest, GarbageIsCut) {
  Start();
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (const std::string& words : GarbageOf(50)) {
    crowd.push_back(std::make_unique<Stranger>(server_->endpoint()));
    crowd.back()->Say(words);
  }
  for (const auto& stranger : crowd) EXPECT_TRUE(stranger->IsCut());
}

TEST_F(ChannelKeysTest, MissingKeysAreAClearError) {
  const auto opened =
      ServerChannel::Open(context_, {"tcp://127.0.0.1:*", folder_.path() / "absent", false, {}});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("coordinator.key"), std::string::npos);
}

TEST_F(ChannelKeysTest, WithKeysEveryAddressMayBeServed) {
  EXPECT_TRUE(ServerChannel::Open(context_, {"tcp://0.0.0.0:*", keys_.path().string(), false, {}}));
}

}  // namespace
}  // namespace proto
