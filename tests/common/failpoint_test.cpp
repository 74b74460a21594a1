#include "common/failpoint.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace common {
namespace {

class FailpointTest : public ::testing::Test {
 protected:
  ~FailpointTest() override { EXPECT_TRUE(ArmFailpoints("")); }
};

TEST_F(FailpointTest, DoesNothingUnlessArmed) {
  EXPECT_FALSE(Failpoint("a"));
  ASSERT_TRUE(ArmFailpoints("b=error"));
  EXPECT_FALSE(Failpoint("a"));
  EXPECT_TRUE(Failpoint("b"));
}

TEST_F(FailpointTest, FiresOnlyAtTheHitThatIsAskedFor) {
  for (const char* entry : {"a@2=error", "a=error@2"}) {
    ASSERT_TRUE(ArmFailpoints(entry));
    EXPECT_FALSE(Failpoint("a"));
    EXPECT_TRUE(Failpoint("a"));
    EXPECT_FALSE(Failpoint("a"));
  }
}

TEST_F(FailpointTest, FiresOnceOverAllProcesses) {
  std::string path = ::testing::TempDir() + "failpoint.XXXXXX";
  ASSERT_NE(mkdtemp(path.data()), nullptr);
  const std::string entry = "a=error?once=" + path + "/fired";
  ASSERT_TRUE(ArmFailpoints(entry));
  EXPECT_TRUE(Failpoint("a"));
  ASSERT_TRUE(ArmFailpoints(entry));
  EXPECT_FALSE(Failpoint("a"));
  std::filesystem::remove_all(path);
}

TEST_F(FailpointTest, KillsAndAborts) {
  ASSERT_TRUE(ArmFailpoints("a=sleep:0,b=kill,c=abort"));
  EXPECT_FALSE(Failpoint("a"));
  EXPECT_EXIT(Failpoint("b"), ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(Failpoint("c"), ::testing::KilledBySignal(SIGABRT), "");
}

TEST_F(FailpointTest, RefusesWhatItCannotRead) {
  for (const char* entries : {"a", "a=", "=kill", "a=explode", "a=sleep:x", "a@0=kill", "a=kill@x",
                              "a=kill?once=", ",a=kill"}) {
    EXPECT_FALSE(ArmFailpoints(entries)) << entries;
  }
}

}  // namespace
}  // namespace common
