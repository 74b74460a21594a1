#include "common/logging.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace common {
namespace {

TEST(LoggingTest, WritesValuesOfEveryKind) {
  EXPECT_EQ(FormatEvent("granted", {{"chunk", ChunkId{17}},
                                    {"worker", WorkerId{"w-1"}},
                                    {"rate", 2.5},
                                    {"whale", true},
                                    {"rows", std::size_t{3}}}),
            "granted chunk=17 worker=w-1 rate=2.5 whale=yes rows=3");
}

TEST(LoggingTest, AnEventIsOneLineWhateverItCarries) {
  EXPECT_EQ(FormatEvent("e", {{"a", "two words"}, {"b", ""}, {"c", "x\n\"y\"\x1b"}}),
            R"(e a="two words" b="" c="x\n\"y\"\x1b")");
}

TEST(LoggingTest, WritesTimeLevelAndProgram) {
  ::testing::internal::CaptureStderr();
  SetUpLogging("seine-test", LogLevel::kInfo);
  LogInfo("started", {{"pid", 1}});
  LogDebug("hidden");
  const std::string out = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(out.ends_with("Z info seine-test started pid=1\n")) << out;
}

TEST(LoggingTest, WorkGoesOnWithoutStderr) {
  const auto log_into_nothing = [] {
    close(STDERR_FILENO);
    LogError("lost");
    SetUpLogging("seine-test", LogLevel::kInfo);
    LogError("lost");
    int ends[2];
    _exit(pipe(ends) == 0 && ends[0] > STDERR_FILENO ? 0 : 1);
  };
  EXPECT_EXIT(log_into_nothing(), ::testing::ExitedWithCode(0), "");
}

TEST(LoggingTest, ReadsLevels) {
  EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("loud"));
}

}  // namespace
}  // namespace common
