// Workers that the coordinator lets in and should not believe: nonsense (F18), beats without
// progress (F14), another version (F25).
#include "tests/e2e/rogue.h"

#include <gtest/gtest.h>

#include "proto/channel.h"
#include "proto/codec.h"
#include "tests/e2e/fleet.h"
#include "tests/e2e/proofs.h"

namespace e2e {
namespace {

constexpr Seconds kSoon{60};  // what happens within seconds on a machine that is not busy

class RogueTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr) {
      GTEST_SKIP() << "PostgreSQL is not installed here";
    }
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
    keys_ = std::make_unique<proto::KeyFolder>(fleet_->directory() + "/keys");
    ASSERT_TRUE(keys_->Init());
    for (const char* worker : {"worker-1", "worker-2", "rogue"}) {
      ASSERT_TRUE(keys_->AddWorker({worker}));
    }
    fleet_->StartSimulator({.wallets = 80, .fills = 10000, .seed = "7", .more = {}},
                           {"--latency-ms", "100"});
  }
  void StartCoordinator(Arguments arguments = {}) {
    arguments.insert(arguments.end(), {"--keys", keys_->path()});
    fleet_->StartCoordinator(arguments);
  }
  void StartWorkers() {
    for (const char* worker : {"worker-1", "worker-2"}) {
      fleet_->StartWorker(worker, {}, {"--keys", keys_->path(), "--in-flight", "4"});
    }
  }
  Rogue Let() { return {fleet_->ListenAddress(), *keys_->ReadClient({"rogue"}, ""), "rogue"}; }

  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<proto::KeyFolder> keys_;
};

// F18. It may spoil the work that it is given, for what failed is its word; nothing that it says
// becomes a trade, makes a wallet complete, or harms anybody else's work.
TEST_F(RogueTest, NonsenseFromAnAuthorisedWorkerHarmsNobodysWork) {
  constexpr int kMessages = 15'000;
  StartCoordinator();
  StartWorkers();
  Rogue rogue = Let();
  rogue.Talk(200);  // it is known before there is work
  const int run = fleet_->StartRun();
  fleet_->HoldUpstream();
  EXPECT_TRUE(Eventually(kRunDeadline, [&] {
    rogue.Talk(500);
    return rogue.counts().assigned > 3 && rogue.counts().said >= kMessages;
  }));
  fleet_->ReleaseUpstream();
  rogue.Talk(kMessages);
  EXPECT_GT(rogue.counts().garbled, kMessages / 10);
  EXPECT_GT(rogue.counts().welcomed, 0);
  EXPECT_GT(rogue.counts().rejected, 0);
  EXPECT_GT(fleet_->Metric("seine_malformed_messages_total"), 1000);
  EXPECT_GT(fleet_->Metric("seine_stale_messages_total"), 1000);
  EXPECT_TRUE(fleet_->coordinator().Running());

  ASSERT_TRUE(keys_->Revoke({"rogue"}));
  ASSERT_TRUE(fleet_->AwaitFinished(run));
  ExpectHonest(*fleet_);
  const Json retry = fleet_->Post("/api/admin/retry", {{"all", true}});
  if (retry.contains("run") && retry["run"].is_number())
    fleet_->ExpectOutcome(retry["run"].get<int>(), "complete");
  fleet_->ExpectOutcome(fleet_->StartRun(), "complete");
  fleet_->ExpectOracle();
  for (const char* worker : {"worker-1", "worker-2"}) {
    EXPECT_TRUE(fleet_->worker(worker).Running()) << worker;
  }
}

// F14. What it has is called back, and then given to others.
TEST_F(RogueTest, WhoBeatsAndGetsNowhereLosesItsWork) {
  StartCoordinator({"--stall-ms", "1500"});
  Rogue rogue = Let();
  rogue.Dawdle();
  const int run = fleet_->StartRun();
  EXPECT_TRUE(Eventually(kSoon, [&] {
    rogue.Dawdle();
    return rogue.counts().assigned > 0;
  }));
  EXPECT_TRUE(Eventually(kSoon, [&] {
    rogue.Dawdle();
    return rogue.counts().recalled > 0 && rogue.counts().fenced > 0;
  }));
  EXPECT_TRUE(Eventually(kSoon, [&] { return fleet_->Metric("seine_reclaims_total") > 0; }));
  StartWorkers();
  EXPECT_TRUE(Eventually(kRunDeadline, [&] {
    rogue.Dawdle();
    return fleet_->Run(run)["state"] == "finished";
  }));
  fleet_->ExpectOutcome(run, "complete");
  fleet_->ExpectOracle();
}

// F25, seen from both sides.
TEST_F(RogueTest, AWorkerOfAnotherVersionIsRefused) {
  StartCoordinator();
  Rogue rogue = Let();
  EXPECT_EQ(rogue.Introduce(proto::kProtocolMax + 1), proto::Reject::VERSION);
  EXPECT_EQ(rogue.counts().welcomed, 0);
}

TEST_F(RogueTest, ACoordinatorOfAnotherVersionEndsAWorkerWithItsReason) {
  StartCoordinator();
  proto::Context context;
  proto::ServerOptions options;
  options.listen = "tcp://127.0.0.1:0";
  const auto other = proto::ServerChannel::Open(context, options);
  ASSERT_TRUE(other) << other.error().message;
  fleet_->StartWorker("worker-1", {}, {"--connect", (*other)->endpoint()});
  EXPECT_TRUE(Eventually(kSoon, [&] {
    for (const proto::Incoming& incoming : (*other)->Receive()) {
      proto::Envelope reject;
      reject.mutable_reject()->set_reason(proto::Reject::VERSION);
      reject.mutable_reject()->set_text("I speak version 2");
      (*other)->Send(incoming.connection, reject);
    }
    return !fleet_->worker("worker-1").Running();
  }));
  EXPECT_EQ(fleet_->worker("worker-1").Wait(kSoon), 1);
  EXPECT_NE(fleet_->Log("worker-1").find("I speak version 2"), std::string::npos);
}

}  // namespace
}  // namespace e2e
