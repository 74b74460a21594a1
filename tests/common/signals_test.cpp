#include "common/signals.h"

#include <csignal>

#include <gtest/gtest.h>

#include "tests/common/readable.h"

namespace common {
namespace {

TEST(SignalsTest, CountsStopsAndReloads) {
  Signals signals;
  EXPECT_FALSE(IsReadable(signals.fd()));
  raise(SIGTERM);
  raise(SIGHUP);
  EXPECT_TRUE(IsReadable(signals.fd()));
  const Signals::Seen seen = signals.Drain();
  EXPECT_EQ(seen.stops, 1);
  EXPECT_EQ(seen.reloads, 1);
  EXPECT_FALSE(IsReadable(signals.fd()));
  raise(SIGINT);
  EXPECT_EQ(signals.Drain().stops, 1);
  EXPECT_EQ(signals.stops(), 2);
}

TEST(SignalsTest, SurvivesSigpipe) {
  const Signals signals;
  raise(SIGPIPE);
  SUCCEED();
}

TEST(SignalsTest, PutsTheDefaultsBack) {
  const auto stop_afterwards = [] {
    { const Signals signals; }
    raise(SIGTERM);
  };
  EXPECT_EXIT(stop_afterwards(), ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace common
