#include "cli/admin_client.h"

#include <cstdlib>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/recount.h"
#include "cli/run_command.h"
#include "cli/screen.h"
#include "cli/status_reply.h"
#include "cli/upstream_client.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

class AdminClientTest : public ::testing::Test {
 protected:
  AdminClientTest() : state_(*StateDir::Open(folder_.path().string())), client_(state_) {
    unsetenv("SEINE_API_KEY");
    EXPECT_TRUE(WriteFile(state_.admin_key(), std::string(ScriptedCoordinator::kApiKey) + "\n"));
    EXPECT_TRUE(WriteFile(state_.coordinator(), "{\"http\":\"" + scripted_.address() + "\"}"));
  }

  TemporaryFolder folder_;
  ScriptedCoordinator scripted_;
  StateDir state_;
  AdminClient client_;
};

TEST_F(AdminClientTest, FindsTheCoordinatorAndItsKey) {
  EXPECT_TRUE(client_.IsUp());
  EXPECT_TRUE(client_.Post("/api/admin/scale", R"({"workers":3})"));
  EXPECT_EQ(scripted_.posts(), std::vector<std::string>{R"(/api/admin/scale {"workers":3})"});
}

TEST_F(AdminClientTest, ARefusalIsToldInTheCoordinatorsWords) {
  scripted_.AnswerPost("/api/admin/ingest", 409, R"({"error":"a run is being cancelled"})");
  const auto answer = client_.Post("/api/admin/ingest", "{}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "a run is being cancelled");
  EXPECT_EQ(answer.error().kind, common::ErrorKind::kRejected);
}

TEST_F(AdminClientTest, AWrongKeySaysWhereTheRightOneIs) {
  ASSERT_TRUE(WriteFile(state_.admin_key(), "another"));
  const auto answer = client_.Post("/api/admin/scale", "{}");
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("admin.key"), std::string::npos);
}

TEST_F(AdminClientTest, NobodyThereSaysWhatToDo) {
  const AdminClient nobody(state_, "127.0.0.1:1");
  const auto answer = nobody.Get("/api/status");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, common::ErrorKind::kTransient);
  EXPECT_NE(answer.error().message.find("seine up"), std::string::npos);
}

TEST_F(AdminClientTest, ACoordinatorWithoutItsDatabaseHasAnsweredAllTheSame) {
  scripted_.Answer("/api/workers", 503, R"({"error":"the database is away"})");
  const auto answer = client_.Get("/api/workers");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, common::ErrorKind::kThrottled);
  EXPECT_EQ(FailedCall(answer.error()), kCannotStart);
  EXPECT_EQ(FailedCall(AdminClient(state_, "127.0.0.1:1").Get("/").error()), kNoFleet);
}

TEST_F(AdminClientTest, StatusAndDrainTellNotNowFromNobody) {
  Options options;
  options.state_dir = state_.root().string();
  options.id = "worker-1";
  scripted_.Answer("/api/status", 503, R"({"error":"not yet"})");
  scripted_.AnswerPost("/api/admin/workers/worker-1/drain", 503, R"({"error":"not yet"})");
  EXPECT_EQ(ShowStatus(options), kCannotStart);
  EXPECT_EQ(DrainWorker(options), kCannotStart);
  options.http = "127.0.0.1:1";
  EXPECT_EQ(ShowStatus(options), kNoFleet);
  EXPECT_EQ(DrainWorker(options), kNoFleet);
}

TEST_F(AdminClientTest, PatienceOutlastsAnUnreadyCoordinator) {
  scripted_.Answer("/api/status", 503, R"({"error":"no lease yet"})");
  std::thread later([this] { scripted_.Answer("/api/status", 200, "{}"); });
  EXPECT_TRUE(client_.GetPatiently("/api/status", std::chrono::seconds(20)));
  later.join();
}

TEST_F(AdminClientTest, ReachableTurnsEveryAddressIntoThisMachine) {
  EXPECT_EQ(Reachable("0.0.0.0:8600"), "127.0.0.1:8600");
  EXPECT_EQ(Reachable("tcp://*:5600"), "tcp://127.0.0.1:5600");
  EXPECT_EQ(Reachable("10.0.0.0:8600"), "10.0.0.0:8600");
}

TEST(StatusReplyTest, ReadsARunAndToleratesWhatIsMissing) {
  const auto run = ParseRun(
      R"({"run":7,"state":"finished","outcome":"incomplete","wallets":{"total":10,"done":8,)"
      R"("failed":2,"quarantined":1},"trades":1234,"eta_s":null,)"
      R"("failed":[{"wallet":"0xab","reason":"HTTP 500"}]})");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->wallets_done, 8);
  EXPECT_FALSE(run->eta_s);
  EXPECT_TRUE(run->is_over());
  ASSERT_EQ(run->failed.size(), 1U);
  EXPECT_EQ(run->failed[0].reason, "HTTP 500");
  EXPECT_FALSE(ParseRun("<html>"));
}

TEST(StatusReplyTest, ReadsWorkersAndTheirLeases) {
  const auto workers = ParseWorkers(
      R"({"workers":[{"id":"worker-1","state":"live","leases":[{"chunk":3,"wallets":50}]}]})");
  ASSERT_TRUE(workers);
  ASSERT_EQ(workers->size(), 1U);
  EXPECT_EQ(workers->front().leases.front().wallets, 50);
  EXPECT_EQ(WorkerLines(*workers).size(), 2U);
}

TEST(StatusReplyTest, ProgressIsOneLineWithTheFigures) {
  RunReply run;
  run.run = 7;
  run.state = "running";
  run.wallets_total = 200;
  run.wallets_done = 50;
  run.trades = 12345;
  run.eta_s = 90;
  EXPECT_EQ(ProgressLine(run),
            "run 7 running: 50/200 wallets (25.0 %), 12345 trades, 0 trades/s, 0 requests/s, 0 "
            "retries, 0 failed, 1 m 30 s left");
}

TEST(StatusReplyTest, QuarantinedWalletsAreCountedAsFailedOnce) {
  RunReply run;
  run.run = 7;
  run.state = "running";
  run.wallets_total = 10;
  run.wallets_done = 5;
  run.wallets_failed = 3;
  run.wallets_quarantined = 2;
  EXPECT_EQ(ProgressLine(run),
            "run 7 running: 8/10 wallets (80.0 %), 0 trades, 0 trades/s, 0 requests/s, 0 retries, "
            "3 failed (2 quarantined)");
  const std::string all = fmt::format("{}", fmt::join(ProgressLines(run, 80), "\n"));
  EXPECT_NE(all.find("8 of 10 wallets"), std::string::npos) << all;
  EXPECT_NE(all.find("3 failed (2 quarantined)"), std::string::npos) << all;
  EXPECT_NE(RunsLines({run}).back().find(" 3 "), std::string::npos) << RunsLines({run}).back();
}

TEST(StatusReplyTest, AFleetThatMayNotWorkIsAnObstacle) {
  StatusReply status;
  status.state = "running";
  EXPECT_NE(Obstacle(status).find("seine scale"), std::string::npos);
  status.desired = 2;
  status.stopped = {"worker-1", "worker-2"};
  EXPECT_NE(Obstacle(status).find("worker-1 worker-2"), std::string::npos);
  status.live = 1;
  EXPECT_EQ(Obstacle(status), "");
  status.state = "paused";
  EXPECT_EQ(Obstacle(status), "the fleet is paused (POST /api/admin/resume)");
  status = {};
  status.is_fleet_known = false;
  EXPECT_EQ(Obstacle(status), "");
}

TEST(RecountTest, SumsAPageInMillionths) {
  WalletCount count;
  const auto next =
      AddPage(R"({"data":[{"side":"BUY","size":22.84},{"side":"SELL","size":0.000001},)"
              R"({"side":"BUY","size":1}],"pagination":{"has_more":true,"next_cursor":"abc"}})",
              count);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, "abc");
  EXPECT_EQ(count.buys, (SideCount{2, 23'840'000}));
  EXPECT_EQ(count.sells, (SideCount{1, 1}));
}

TEST(RecountTest, ALastPageAndABrokenOne) {
  WalletCount count;
  EXPECT_EQ(*AddPage(R"({"data":null,"pagination":{"has_more":false}})", count), "");
  EXPECT_FALSE(AddPage(R"({"data":[],"pagination":{"has_more":true}})", count));
  EXPECT_FALSE(AddPage("<html>429</html>", count));
}

TEST(UpstreamClientTest, SplitsUrls) {
  const auto parts = SplitUrl("https://data-api.polymarket.com/v2/status?x=1");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->origin, "https://data-api.polymarket.com");
  EXPECT_EQ(parts->target, "/v2/status?x=1");
  EXPECT_FALSE(SplitUrl("ftp://x/"));
  EXPECT_FALSE(SplitUrl("http://"));
  EXPECT_EQ(PublicOrigin("https://user:secret@node.example:1/v2/key"), "https://node.example:1");
  EXPECT_EQ(ParseHttpDate("Tue, 28 Apr 2026 11:00:40 GMT"), 1777374040);
}

}  // namespace
}  // namespace cli
