// The commands over the whole universe, against a coordinator of its own mind.
#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/screen.h"
#include "cli/state_dir.h"
#include "cli/status_reply.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

constexpr char kFull[] =
    R"({"run":7,"kind":"full","state":"finished","outcome":"complete","stage":2,"stages":[)"
    R"({"kind":"markets","total":4,"done":4,"failed":0},)"
    R"({"kind":"trades","total":1200,"done":1200,"failed":0}],)"
    R"("trades":5,"requests":8,"started_at":100,"finished_at":160,"failed":[]})";
constexpr char kRunning[] = R"({"run":7,"kind":"full","state":"running","stage":2,"stages":[)"
                            R"({"kind":"markets","total":4,"done":4,"failed":0},)"
                            R"({"kind":"holders","total":10,"done":4,"failed":1},)"
                            R"({"kind":"trades","total":0,"done":0,"failed":0}]})";

class UniverseTest : public ::testing::Test {
 protected:
  UniverseTest() {
    unsetenv("SEINE_API_KEY");
    options_.state_dir = (folder_.path() / "runtime").string();
    options_.http = scripted_.address();
    const StateDir state = *StateDir::Open(options_.state_dir);
    EXPECT_TRUE(WriteFile(state.admin_key(), ScriptedCoordinator::kApiKey));
    scripted_.AnswerPost("/api/admin/ingest", 202, R"({"run":7,"attached":false})");
    scripted_.Answer("/api/runs", 200, kFull);
  }
  int Run(const std::string& action) {
    options_.action = action;
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = RunUniverse(options_);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  int CountPosts(const std::string& part) const {
    int count = 0;
    for (const std::string& post : scripted_.posts()) {
      if (post.find(part) != std::string::npos) ++count;
    }
    return count;
  }

  TemporaryFolder folder_;
  ScriptedCoordinator scripted_;
  Options options_;
  std::string out_;
  std::string error_;
};

TEST_F(UniverseTest, ACompleteRunTellsEachStage) {
  EXPECT_EQ(Run("full"), kDone) << error_;
  EXPECT_EQ(CountPosts(R"({"action":"full"})"), 1);
  EXPECT_EQ(out_,
            "Complete: full, 5 trades, 8 requests, in 1 m 0 s\n"
            "  markets     100.0 %  4 of 4\n"
            "  trades      100.0 %  1,200 of 1,200\n");
}

TEST_F(UniverseTest, ARefreshTellsHowFarBehindTheCopyIs) {
  scripted_.Answer("/api/runs", 200,
                   R"({"run":7,"kind":"refresh","state":"finished","outcome":"complete"})");
  scripted_.Answer("/api/freshness", 200,
                   R"({"now":1777374082,"newest_trade":1777374040,"ranges_to":1777373482})");
  options_.is_all = true;
  EXPECT_EQ(Run("refresh"), kDone) << error_;
  EXPECT_NE(out_.find("Newest trade: 2026-04-28 11:00:40 UTC, 42 s behind\n"
                      "Blocks told to: 2026-04-28 10:51:22 UTC, 10 m 0 s behind\n"),
            std::string::npos)
      << out_;
  options_.is_json = true;
  EXPECT_EQ(Run("refresh"), kDone) << error_;
  EXPECT_NE(out_.find(R"("outcome":"complete","freshness":{"now":1777374082,)"), std::string::npos)
      << out_;
}

TEST_F(UniverseTest, ARefreshIsOfAllWalletsOrOfTheTop) {
  EXPECT_EQ(Run("refresh"), kDone) << error_;
  options_.is_all = true;
  EXPECT_EQ(Run("refresh"), kDone) << error_;
  EXPECT_EQ(CountPosts(R"(/api/admin/ingest {"action":"refresh"})"), 2);
  options_.max_wallets = 5;
  EXPECT_EQ(Run("refresh"), kUsage);
  options_.is_all = false;
  EXPECT_EQ(Run("refresh"), kDone);
  EXPECT_EQ(CountPosts(R"("max_wallets":5)"), 1);
}

TEST_F(UniverseTest, ARangeSaysWhatIsToBeWalked) {
  options_.source = "rpc";
  options_.range_from = 50;
  options_.range_to = 10;
  EXPECT_EQ(Run("range"), kUsage);
  options_.range_to = 90;
  EXPECT_EQ(Run("range"), kDone);
  EXPECT_EQ(CountPosts(R"({"action":"range","from":50,"source":"rpc","to":90})"), 1);
}

TEST_F(UniverseTest, ARangeOfTheSubgraphSaysWhereItEnds) {
  options_.source = "subgraph";
  options_.range_from = 1'778'000'000;
  EXPECT_EQ(Run("range"), kDone);
  EXPECT_NE(error_.find("ends at 2026-04-28 11:00:40 UTC"), std::string::npos) << error_;
}

TEST_F(UniverseTest, NamedWalletsAreOnlyNotedByDiscovery) {
  options_.wallets = {"0x1111111111111111111111111111111111111111"};
  EXPECT_EQ(Run("discover"), kDone) << error_;
  EXPECT_EQ(CountPosts("/api/admin/wallets"), 1);
  EXPECT_EQ(CountPosts("/api/admin/ingest"), 0);
  EXPECT_EQ(Run("positions"), kDone);
  EXPECT_EQ(CountPosts(R"({"action":"positions","selection":")"), 1);
}

TEST_F(UniverseTest, NotingNamedWalletsHasNoPlan) {
  options_.wallets = {"0x1111111111111111111111111111111111111111"};
  options_.is_dry_run = true;
  EXPECT_EQ(Run("discover"), kUsage);
  EXPECT_NE(error_.find("--dry-run"), std::string::npos) << error_;
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(UniverseTest, BadLinesAreNamedAndNothingIsStarted) {
  options_.wallets = {"nonsense"};
  EXPECT_EQ(Run("activity"), kUsage);
  EXPECT_NE(error_.find("nonsense"), std::string::npos);
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(UniverseTest, AListThatHoldsNoAddressIsNotAllWallets) {
  options_.wallets_file = (folder_.path() / "none.txt").string();
  std::ofstream(options_.wallets_file) << "# nobody yet\n\n";
  for (const char* action : {"activity", "positions", "discover"}) {
    EXPECT_EQ(Run(action), kUsage) << action;
    EXPECT_NE(error_.find("none.txt holds no address"), std::string::npos) << error_;
  }
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(UniverseTest, AContinuousFullBeginsAgainUntilItIsInterrupted) {
  options_.is_continuous = true;
  options_.pause = "1s";
  std::thread impatient([this] {
    while (CountPosts("ingest") < 2) std::this_thread::yield();
    raise(SIGINT);
  });
  EXPECT_EQ(Run("full"), kInterrupted);
  impatient.join();
}

TEST_F(UniverseTest, APauseNeedsContinuous) {
  options_.pause = "1s";
  EXPECT_EQ(Run("full"), kUsage);
}

TEST_F(UniverseTest, ADryRunPrintsUnits) {
  options_.is_dry_run = true;
  scripted_.AnswerPost("/api/admin/ingest", 200,
                       R"({"wallets":2280,"chunks":40,"requests":2400,"seconds":126,)"
                       R"("endpoint":"data_trades","rate_per_second":19})");
  EXPECT_EQ(Run("discover"), kDone);
  EXPECT_NE(out_.find("Plan: 2,280 units in 40 chunks"), std::string::npos) << out_;
}

TEST_F(UniverseTest, ProgressHasALineForEachStage) {
  const RunReply run = ParseRun(kRunning).value();
  const std::vector<std::string> lines = ProgressLines(run, 80);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_NE(lines[1].find("5 of 10 · 1 failed"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("waits"), std::string::npos) << lines[2];
  EXPECT_EQ(ProgressLine(run).find("run 7 full running: markets 4/4, holders 5/10, trades -;"), 0U)
      << ProgressLine(run);
}

TEST_F(UniverseTest, StatusShowsWhatBeginsByItself) {
  scripted_.Answer("/api/status", 200,
                   R"({"version":"0","state":"running","database":"ok","now":1000,"schedule":[)"
                   R"({"name":"refresh","enabled":true,"every_s":1800,"next_at":1060},)"
                   R"({"name":"audit","enabled":false,"every_s":60}]})");
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(ShowStatus(options_), kDone);
  const std::string out = ::testing::internal::GetCapturedStdout();
  EXPECT_NE(out.find("by itself: refresh in 1 m 0 s (every 30 m 0 s) · audit off"),
            std::string::npos)
      << out;
}

}  // namespace
}  // namespace cli
