// `seine sync` against a coordinator of its own mind.
#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/state_dir.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

constexpr char kWallet[] = "0x1111111111111111111111111111111111111111";
constexpr char kComplete[] =
    R"({"run":7,"state":"finished","outcome":"complete","wallets":{"total":1,"done":1},)"
    R"("trades":5,"started_at":100,"finished_at":160,"failed":[]})";

class SyncTest : public ::testing::Test {
 protected:
  SyncTest() {
    unsetenv("SEINE_API_KEY");
    options_.state_dir = (folder_.path() / "runtime").string();
    options_.http = scripted_.address();
    options_.wallets = {kWallet};
    const StateDir state = *StateDir::Open(options_.state_dir);
    EXPECT_TRUE(WriteFile(state.admin_key(), ScriptedCoordinator::kApiKey));
    scripted_.AnswerPost("/api/admin/ingest", 202, R"({"run":7,"attached":false})");
    scripted_.AnswerPost("/api/admin/retry", 202, R"({"run":7,"attached":false})");
    scripted_.Answer("/api/runs", 200, kComplete);
  }

  int Run(int (*command)(const Options&) = Sync) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = command(options_);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  bool IsPosted(const std::string& part) const {
    for (const std::string& post : scripted_.posts()) {
      if (post.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TemporaryFolder folder_;
  ScriptedCoordinator scripted_;
  Options options_;
  std::string out_;
  std::string error_;
};

TEST_F(SyncTest, ACompleteRunEndsWithZero) {
  EXPECT_EQ(Run(), kDone) << error_;
  EXPECT_EQ(out_, "Complete: 1 of 1 wallets, 5 trades, 0 requests, in 1 m 0 s\n");
  EXPECT_TRUE(IsPosted(std::string("/api/admin/wallets ") + kWallet));
  EXPECT_TRUE(IsPosted(R"("action":"process")"));
}

TEST_F(SyncTest, AnIncompleteRunListsItsWalletsAndEndsWithThree) {
  scripted_.Answer(
      "/api/runs", 200,
      R"({"run":7,"state":"finished","outcome":"incomplete","wallets":{"total":3,)"
      R"("done":1,"failed":2,"quarantined":1},"failed":[{"wallet":"0xab","reason":"HTTP 500"}]})");
  EXPECT_EQ(Run(), kIncomplete);
  EXPECT_NE(out_.find("0xab  HTTP 500"), std::string::npos) << out_;
  EXPECT_NE(out_.find("and 1 more"), std::string::npos) << out_;
}

TEST_F(SyncTest, BadLinesAreAllNamedAndNothingIsStarted) {
  options_.wallets_file = (folder_.path() / "wallets").string();
  std::ofstream(options_.wallets_file) << "nonsense\n" << kWallet << "\n0x99\n";
  EXPECT_EQ(Run(), kUsage);
  EXPECT_NE(error_.find("line 1: 'nonsense'"), std::string::npos) << error_;
  EXPECT_NE(error_.find("line 3: '0x99'"), std::string::npos) << error_;
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(SyncTest, AListThatHoldsNoAddressIsNoChoice) {
  options_.wallets.clear();
  options_.wallets_file = "/dev/null";
  EXPECT_EQ(Run(), kUsage);
  EXPECT_NE(error_.find("/dev/null holds no address"), std::string::npos) << error_;
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(SyncTest, AllAndAListExcludeEachOther) {
  options_.is_all = true;
  EXPECT_EQ(Run(), kUsage);
  options_.is_all = false;
  options_.wallets.clear();
  EXPECT_EQ(Run(), kUsage);
  EXPECT_TRUE(scripted_.posts().empty());
}

TEST_F(SyncTest, ManyWalletsGoInPieces) {
  options_.wallets.clear();
  options_.wallets_file = (folder_.path() / "wallets").string();
  std::ofstream file(options_.wallets_file);
  for (int i = 0; i < 60'000; ++i) {
    std::string number = std::to_string(i);
    file << "0x" << std::string(40 - number.size(), '0') << number << "\n";
  }
  file.close();
  EXPECT_EQ(Run(), kDone) << error_;
  EXPECT_EQ(scripted_.posts().size(), 3U);
}

TEST_F(SyncTest, ADryRunOnlyPrintsThePlan) {
  options_.is_dry_run = true;
  scripted_.AnswerPost("/api/admin/ingest", 200,
                       R"({"wallets":2280,"chunks":40,"requests":2400,"seconds":126,)"
                       R"("endpoint":"data_trades","rate_per_second":19})");
  EXPECT_EQ(Run(), kDone);
  EXPECT_EQ(out_,
            "Plan: 2,280 wallets in 40 chunks; about 2,400 requests\n"
            "At 19.0 requests/s, as data_trades allows: about 2 m 6 s\n");
  EXPECT_TRUE(IsPosted(R"("dry_run":true)"));
  EXPECT_TRUE(IsPosted(std::string(R"("wallets":[")") + kWallet));
  EXPECT_FALSE(IsPosted("/api/admin/wallets")) << "nothing is noted down";
}

TEST_F(SyncTest, JsonIsTheCoordinatorsOwn) {
  options_.is_json = true;
  EXPECT_EQ(Run(), kDone);
  EXPECT_EQ(out_, std::string(kComplete) + "\n");
}

TEST_F(SyncTest, AnInterruptCancelsARunThatIsOurs) {
  scripted_.Answer("/api/runs", 200, R"({"run":7,"state":"running","wallets":{"total":9}})");
  // Once the run was asked for, its signal handler is there.
  std::thread impatient([this] {
    while (!IsPosted("ingest")) std::this_thread::yield();
    raise(SIGINT);
  });
  EXPECT_EQ(Run(), kInterrupted);
  impatient.join();
  EXPECT_TRUE(IsPosted(R"(/api/admin/cancel {"run":7})"));
}

TEST_F(SyncTest, AnInterruptLeavesARunOfSomebodyElse) {
  scripted_.AnswerPost("/api/admin/ingest", 202, R"({"run":7,"attached":true})");
  scripted_.Answer("/api/runs", 200, R"({"run":7,"state":"running","wallets":{"total":9}})");
  std::thread impatient([this] {
    while (!IsPosted("ingest")) std::this_thread::yield();
    raise(SIGINT);
  });
  EXPECT_EQ(Run(), kInterrupted);
  impatient.join();
  EXPECT_FALSE(IsPosted("/api/admin/cancel"));
}

TEST_F(SyncTest, ACoordinatorThatIsAwayForAMomentIsWaitedFor) {
  scripted_.Answer("/api/runs", 503, R"({"error":"no lease yet"})");
  std::thread later([this] {
    while (!IsPosted("ingest")) std::this_thread::yield();
    scripted_.Answer("/api/runs", 200, kComplete);
  });
  EXPECT_EQ(Run(), kDone);
  later.join();
}

TEST_F(SyncTest, ARunThatCannotGoOnSaysWhyOnce) {
  scripted_.Answer("/api/runs", 200, R"({"run":7,"state":"running","wallets":{"total":9}})");
  scripted_.Answer("/api/status", 200,
                   R"({"state":"paused","fleet":{"known":true,"desired":1,"live":1}})");
  std::thread later([this] {
    while (!IsPosted("ingest")) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::seconds(5));
    scripted_.Answer("/api/runs", 200, kComplete);
  });
  EXPECT_EQ(Run(), kDone);
  later.join();
  const std::string why = "waiting: the fleet is paused (POST /api/admin/resume)\n";
  const std::size_t at = error_.find(why);
  ASSERT_NE(at, std::string::npos) << error_;
  EXPECT_EQ(error_.find(why, at + 1), std::string::npos) << error_;
}

TEST_F(SyncTest, ARunWithoutALiveWorkerSaysSo) {
  scripted_.Answer("/api/runs", 200, R"({"run":7,"state":"running","wallets":{"total":9}})");
  scripted_.SetFleet(1, R"(["worker-1"])");
  std::thread later([this] {
    while (!IsPosted("ingest")) std::this_thread::yield();
    while (scripted_.statuses() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    scripted_.Answer("/api/runs", 200, kComplete);
  });
  EXPECT_EQ(Run(), kDone);
  later.join();
  EXPECT_NE(error_.find("waiting: no worker is live; stopped: worker-1"), std::string::npos)
      << error_;
}

TEST_F(SyncTest, ARunThatIsBehindAnotherSaysSo) {
  scripted_.Answer("/api/runs", 200, R"({"run":7,"state":"queued","wallets":{"total":9}})");
  scripted_.Answer("/api/status", 200,
                   R"({"state":"running","fleet":{"known":true,"desired":1,"live":1},)"
                   R"("run":{"run":5,"kind":"full","state":"running"},"queued":[7]})");
  std::thread later([this] {
    while (scripted_.statuses() < 1) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    scripted_.Answer("/api/runs", 200, kComplete);
  });
  EXPECT_EQ(Run(), kDone);
  later.join();
  EXPECT_NE(error_.find("waiting: run 5 (full) is finished first; `seine status` shows it\n"),
            std::string::npos)
      << error_;
}

TEST_F(SyncTest, TheSubgraphSaysWhereItEnds) {
  options_.source = "subgraph";
  EXPECT_EQ(Run(), kDone);
  EXPECT_NE(error_.find("ends at 2026-04-28 11:00:40 UTC"), std::string::npos) << error_;
}

TEST_F(SyncTest, RetryTakesNamesOrAll) {
  EXPECT_EQ(Run(Retry), kDone) << error_;
  EXPECT_TRUE(IsPosted(std::string("/api/admin/retry {\"wallets\":[\"") + kWallet));
  options_.is_all = true;
  EXPECT_EQ(Run(Retry), kUsage);
  options_.wallets.clear();
  EXPECT_EQ(Run(Retry), kDone) << error_;
  EXPECT_TRUE(IsPosted("/api/admin/retry {\"all\":true}"));
}

TEST_F(SyncTest, ARetryWhereNothingHasFailedIsDone) {
  options_.wallets.clear();
  options_.is_all = true;
  scripted_.AnswerPost("/api/admin/retry", 200,
                       R"({"run":null,"attached":false,"wallets":0,"units":0})");
  EXPECT_EQ(Run(Retry), kDone) << error_;
  EXPECT_NE(out_.find("Nothing has failed"), std::string::npos) << out_;
}

TEST_F(SyncTest, ARetryOfNothingNamedIsOfEverything) {
  options_.wallets.clear();
  EXPECT_EQ(Run(Retry), kDone) << error_;
  EXPECT_TRUE(IsPosted("/api/admin/retry {\"all\":true}"));
}

}  // namespace
}  // namespace cli
