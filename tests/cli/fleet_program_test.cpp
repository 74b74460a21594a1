#include "cli/fleet_program.h"

#include <csignal>

#include <gtest/gtest.h>

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FleetProgramTest : public ::testing::Test {
 protected:
  // Lets it live so long, and end so; returns how long it stays away.
  milliseconds Live(common::Duration life, int code) {
    EXPECT_TRUE(program_.IsDue(now_));
    program_.Started({17, 4}, now_);
    now_ += life;
    program_.Ended(code, now_);
    const common::Instant ended = now_;
    while (!program_.is_held() && !program_.IsDue(now_)) now_ += milliseconds(10);
    return std::chrono::duration_cast<milliseconds>(now_ - ended);
  }

  common::Instant now_{seconds(1000)};
  FleetProgram program_{"worker-1", now_};
};

TEST_F(FleetProgramTest, QuickDeathsDoubleTheWaitUpToFiveSeconds) {
  std::vector<int> waits_ms;
  for (int i = 0; i < 8; ++i) {
    waits_ms.push_back(static_cast<int>(Live(milliseconds(5), 137).count()));
  }
  EXPECT_EQ(waits_ms, (std::vector<int>{0, 200, 400, 800, 1600, 3200, 5000, 5000}));
}

TEST_F(FleetProgramTest, TenSecondsOfLifeForgiveEverything) {
  for (int i = 0; i < 5; ++i) Live(milliseconds(5), 1);
  EXPECT_EQ(Live(seconds(10), 1), milliseconds(0));
}

TEST_F(FleetProgramTest, SomeExitCodesAreFinal) {
  for (const int code : {2, 77, 78}) {
    FleetProgram program("worker-1", now_);
    program.Started({17, 4}, now_);
    program.Ended(code, now_);
    EXPECT_TRUE(program.is_held());
    EXPECT_FALSE(program.IsDue(now_ + seconds(1000)));
    program.Release(now_);
    EXPECT_TRUE(program.IsDue(now_));
  }
}

TEST_F(FleetProgramTest, AnUnwantedOneIsAskedTwiceThenKilled) {
  program_.Started({17, 4}, now_);
  program_.Want(false);
  EXPECT_EQ(program_.NextStopSignal(now_), SIGTERM);
  EXPECT_FALSE(program_.NextStopSignal(now_ + seconds(24)));
  EXPECT_EQ(program_.NextStopSignal(now_ + seconds(25)), SIGTERM);
  EXPECT_FALSE(program_.NextStopSignal(now_ + seconds(34)));
  EXPECT_EQ(program_.NextStopSignal(now_ + seconds(35)), SIGKILL);
}

TEST_F(FleetProgramTest, NotWantedIsNotStartedAgain) {
  program_.Started({17, 4}, now_);
  program_.Want(false);
  program_.Ended(0, now_);
  EXPECT_FALSE(program_.IsDue(now_ + seconds(100)));
  program_.Want(true);
  EXPECT_TRUE(program_.IsDue(now_ + seconds(100)));
}

}  // namespace
}  // namespace cli
