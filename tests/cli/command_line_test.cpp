// From arguments, variables and seine.toml to Options.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "cli/option_forms.h"
#include "cli/options.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() : home_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder_.path());
  }
  ~CommandLineTest() override {
    for (const char* name : {"SEINE_RATE", "SEINE_SCHEDULE"}) unsetenv(name);
    std::filesystem::current_path(home_);
  }

  static Options Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "seine");
    CommandLine line;
    EXPECT_FALSE(line.Parse(static_cast<int>(arguments.size()), arguments.data()));
    return line.options();
  }

  TemporaryFolder folder_;
  std::filesystem::path home_;
};

TEST_F(CommandLineTest, RetryTakesTheOptionsOfTheFleetThatItStarts) {
  const Options options = Parse({"retry", "--all", "--workers", "7", "--rate", "clob=5/s"});
  EXPECT_EQ(options.workers, 7);
  EXPECT_EQ(options.rates, std::vector<std::string>{"clob=5/s"});
}

TEST_F(CommandLineTest, VariablesHoldSeveralRatesAndSchedules) {
  setenv("SEINE_RATE", "data_trades=100/10s,gamma_markets=0", 1);
  setenv("SEINE_SCHEDULE", "refresh=5m,audit=off", 1);
  const Options options = Parse({"up"});
  EXPECT_EQ(options.rates, (std::vector<std::string>{"data_trades=100/10s", "gamma_markets=0"}));
  EXPECT_EQ(options.schedule, (std::vector<std::string>{"refresh=5m", "audit=off"}));
}

TEST_F(CommandLineTest, ARateIsOfAnEndpointThatThereIs) {
  const auto check = [](std::string text) {
    return RateForm()(text);
  };
  for (const char* name : {"data_trades", "data_other", "gamma_markets", "gamma_other", "clob",
                           "subgraph", "rpc", "dome"}) {
    EXPECT_EQ(check(std::string(name) + "=200/10s"), "");
    EXPECT_EQ(check(std::string(name) + "=0"), "");
  }
  for (const char* text : {"data=200/10s", "data=0", "clob", "clob=fast", "=1/s", ""}) {
    EXPECT_NE(check(text), "") << text;
  }
  EXPECT_NE(check("data=200/10s").find("data_trades"), std::string::npos);
  // What the complaint gives as an example is one.
  const std::string complaint = check("clob=fast");
  EXPECT_EQ(check(complaint.substr(complaint.rfind(' ') + 1)), "") << complaint;
}

TEST_F(CommandLineTest, AFileGivesFleetOptionsToWhicheverCommandIsTyped) {
  std::ofstream("seine.toml") << "workers = 9\nrate = [\"clob=5/s\", \"rpc=1/s\"]\n"
                              << "data_url = \"http://data/\"\n[sync]\nworkers = 2\n";
  EXPECT_EQ(Parse({"up"}).workers, 9);
  const Options options = Parse({"sync", "--all"});
  EXPECT_EQ(options.workers, 2);
  EXPECT_EQ(options.rates.size(), 2U);
  EXPECT_EQ(options.data_url, "http://data/");
}

}  // namespace
}  // namespace cli
