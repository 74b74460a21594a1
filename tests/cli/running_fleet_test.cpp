// Commands beside a fleet that is up: this process plays its supervisor.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/borrowed_fleet.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/fleet_options.h"
#include "cli/run_command.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

class RunningFleetTest : public ::testing::Test {
 protected:
  RunningFleetTest() : state_(*StateDir::Open(folder_.path().string())) {
    options_.state_dir = folder_.path().string();
    options_.is_detached = true;
    running_.database = "postgresql://elsewhere/";
  }
  void Play() {
    EXPECT_TRUE(WriteFleetSettings(state_, running_));
    const ProcessId self = FindProcess(getpid()).value();
    const std::string text = fmt::format("{} {}\n", self.pid, self.started);
    EXPECT_TRUE(WriteFile(state_.pid_file("supervisor"), text));
  }
  std::string SaidByBorrow() {
    ::testing::internal::CaptureStderr();
    common::Signals signals;
    EXPECT_TRUE(BorrowedFleet(state_, signals).Borrow(BorrowedSettings(options_, state_), ""));
    return ::testing::internal::GetCapturedStderr();
  }

  TemporaryFolder folder_;
  StateDir state_;
  FleetSettings running_;
  Options options_;
};

TEST_F(RunningFleetTest, ItsDatabaseIsTheOneThatIsRead) {
  EXPECT_TRUE(WriteFleetSettings(state_, running_));
  EXPECT_EQ(DatabaseOf(options_, state_), "embedded");  // it is down
  Play();
  EXPECT_EQ(DatabaseOf(options_, state_), "postgresql://elsewhere/");
  options_.database = "postgresql://named/";
  EXPECT_EQ(DatabaseOf(options_, state_), "postgresql://named/");
}

TEST_F(RunningFleetTest, ABorrowerIsToldWhatTheFleetDoesNotFollow) {
  Play();
  options_.rates = {"clob=5/s"};
  options_.data_url = "http://data/";
  EXPECT_EQ(SaidByBorrow(),
            "seine: the fleet that is up goes on with its own --rate, --data-url; `seine down` "
            "first to start one with yours\n");
}

TEST_F(RunningFleetTest, NothingIsSaidOfWhatIsTheSameOrWasNotChosen) {
  options_.rates = {"clob=5/s"};
  options_.schedule = {"refresh=5m"};
  options_.keys = "";
  running_ = SettingsFrom(options_, state_);
  running_.environment["SEINE_RPC_URL"] = "http://node/";
  Play();
  EXPECT_EQ(SaidByBorrow(), "");
  options_.schedule.clear();  // a borrower's own `off` is not the user's
  EXPECT_EQ(SaidByBorrow(), "");
}

TEST_F(RunningFleetTest, UpTellsItToo) {
  Play();
  options_.listen = "tcp://0.0.0.0:5600";
  options_.schedule = {"off"};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Up(options_), kDone);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("its own --schedule, --listen;"), std::string::npos) << said;
}

}  // namespace
}  // namespace cli
