#include "cli/process.h"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/files.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

using std::chrono::seconds;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessId Start(std::vector<std::string> arguments) {
    LaunchOrder order;
    order.arguments = std::move(arguments);
    order.log = folder_.path() / "log";
    order.pid_file = folder_.path() / "pid";
    order.environment = {{"SEINE_TEST_COLOUR", "blue"}};
    const common::Result<ProcessId> process = Launch(order);
    EXPECT_TRUE(process) << process.error().message;
    return process ? *process : ProcessId{};
  }

  TemporaryFolder folder_;
};

TEST_F(ProcessTest, PidFileNamesALivingProcessOnly) {
  const ProcessId process = Start({"/bin/sleep", "100"});
  EXPECT_EQ(ReadPidFile(folder_.path() / "pid"), process);
  SendSignal(process, SIGKILL);
  EXPECT_TRUE(WaitForEnd(process, seconds(5)));
  EXPECT_FALSE(ReadPidFile(folder_.path() / "pid"));
}

TEST_F(ProcessTest, AnotherProcessOfTheSameNumberIsNotTheSame) {
  const ProcessId process = Start({"/bin/sleep", "100"});
  const ProcessId former{process.pid, process.started - 1};
  EXPECT_FALSE(IsAlive(former));
  SendSignal(former, SIGKILL);
  EXPECT_TRUE(IsAlive(process));
  SendSignal(process, SIGKILL);
  EXPECT_TRUE(WaitForEnd(process, seconds(5)));
}

TEST_F(ProcessTest, TakesAnEnvironmentAndWritesItsLog) {
  const ProcessId process = Start({"/bin/sh", "-c", "echo colour=$SEINE_TEST_COLOUR; sleep 0"});
  EXPECT_TRUE(WaitForEnd(process, seconds(5)));
  EXPECT_EQ(Tail(folder_.path() / "log", 1), "colour=blue");
}

TEST_F(ProcessTest, InheritsOurVariables) {
  setenv("SEINE_CONFIG", "/etc/some.toml", 1);
  const ProcessId process = Start({"/bin/sh", "-c", "echo config=$SEINE_CONFIG; sleep 0"});
  unsetenv("SEINE_CONFIG");
  EXPECT_TRUE(WaitForEnd(process, seconds(5)));
  EXPECT_EQ(Tail(folder_.path() / "log", 1), "config=/etc/some.toml");
}

TEST_F(ProcessTest, HasASessionOfItsOwn) {
  const ProcessId process = Start({"/bin/sleep", "100"});
  EXPECT_EQ(getsid(process.pid), process.pid);
  SendSignal(process, SIGTERM);
  EXPECT_TRUE(WaitForEnd(process, seconds(5)));
}

TEST_F(ProcessTest, AProgramThatIsNotThereIsNamed) {
  LaunchOrder order;
  order.arguments = {"/nowhere/seine-worker"};
  const common::Result<ProcessId> process = Launch(order);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().message,
            "/nowhere/seine-worker: starting it failed: No such file or directory");
}

TEST_F(ProcessTest, ALockIsHeldByOne) {
  const std::filesystem::path path = folder_.path() / "lock";
  {
    const std::optional<FileLock> lock = FileLock::Try(path);
    ASSERT_TRUE(lock);
    EXPECT_FALSE(FileLock::Try(path));
  }
  EXPECT_TRUE(FileLock::Try(path));
}

}  // namespace
}  // namespace cli
