#include "common/options.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace common {
namespace {

// One program with --listen, --credit, --rate, `sync --workers` and `keys make --id`, started in an
// empty folder.
class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() : home_(std::filesystem::current_path()) {
    std::string path = ::testing::TempDir() + "options.XXXXXX";
    folder_ = mkdtemp(path.data());
    std::filesystem::current_path(folder_);
  }
  ~OptionsTest() override {
    for (const char* name : {"SEINE_LISTEN", "SEINE_CREDIT", "SEINE_CONFIG", "SEINE_RATE"})
      unsetenv(name);
    std::filesystem::current_path(home_);
    std::filesystem::remove_all(folder_);
  }

  static void WriteFile(const std::string& name, const std::string& text) {
    std::ofstream(name) << text;
  }

  std::optional<int> Run(std::vector<const char*> arguments) {
    CLI::App app("A test", "seine-test");
    app.add_option("--listen", listen_, "Where to listen");
    app.add_option("--credit", credit_, "How many")->check(CLI::Range(1, 100));
    app.add_option("--rate", rates_, "How fast")
        ->delimiter(',')
        ->check(CLI::Validator(WrongRate, "R"));
    app.add_subcommand("sync")->add_option("--workers", workers_, "How many");
    CLI::App* keys = app.add_subcommand("keys");
    keys->add_subcommand("make")->add_option("--id", id_, "Whose");
    arguments.insert(arguments.begin(), "seine-test");
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const auto code = ParseOptions(app, static_cast<int>(arguments.size()), arguments.data());
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  static std::string WrongRate(const std::string& text) {
    return ParseRate(text) ? std::string() : "wrong rate";
  }

  std::filesystem::path home_;
  std::filesystem::path folder_;
  std::string listen_ = "here";
  int credit_ = 2;
  int workers_ = 0;
  std::vector<std::string> rates_;
  std::string id_;
  std::string out_;
  std::string error_;
};

TEST_F(OptionsTest, FlagBeatsVariableBeatsFile) {
  EXPECT_FALSE(Run({}));
  EXPECT_EQ(listen_, "here");
  WriteFile("seine.toml", "listen = \"file\"\n");
  EXPECT_FALSE(Run({}));
  EXPECT_EQ(listen_, "file");
  setenv("SEINE_LISTEN", "variable", 1);
  EXPECT_FALSE(Run({}));
  EXPECT_EQ(listen_, "variable");
  EXPECT_FALSE(Run({"--listen", "flag"}));
  EXPECT_EQ(listen_, "flag");
}

TEST_F(OptionsTest, FileMayHoldKeysOfOtherProgramsAndSubcommands) {
  WriteFile("other.toml", "unknown_key = 3\ncredit = 7\n[sync]\nworkers = 4\n");
  EXPECT_FALSE(Run({"--config", "other.toml", "sync"})) << error_;
  EXPECT_EQ(credit_, 7);
  EXPECT_EQ(workers_, 4);
}

TEST_F(OptionsTest, AKeyAboveAllSectionsIsOfTheSubcommandThatWasTyped) {
  WriteFile("seine.toml", "workers = 3\nid = \"a\"\nunknown = 1\n");
  EXPECT_FALSE(Run({"sync"})) << error_;
  EXPECT_EQ(workers_, 3);
  EXPECT_EQ(id_, "");
  EXPECT_FALSE(Run({"keys", "make"})) << error_;
  EXPECT_EQ(id_, "a");
  EXPECT_FALSE(Run({"keys", "make", "--id", "b"})) << error_;
  EXPECT_EQ(id_, "b");
}

TEST_F(OptionsTest, ASectionGoesBeforeWhatStandsAboveIt) {
  WriteFile("seine.toml", "workers = 3\n[sync]\nworkers = 4\n");
  EXPECT_FALSE(Run({"sync"})) << error_;
  EXPECT_EQ(workers_, 4);
}

TEST_F(OptionsTest, TheSectionOfAnotherSubcommandDoesNotCount) {
  WriteFile("seine.toml", "[sync]\nworkers = 4\n");
  EXPECT_FALSE(Run({"keys"})) << error_;
  EXPECT_EQ(workers_, 0);
}

TEST_F(OptionsTest, AFileThatWasTypedIsHandedOn) {
  WriteFile("seine.toml", "credit = 7\n");
  EXPECT_FALSE(Run({}));
  EXPECT_EQ(std::getenv("SEINE_CONFIG"), nullptr);
  WriteFile("other.toml", "credit = 8\n");
  EXPECT_FALSE(Run({"--config=other.toml"})) << error_;
  const std::string path = (std::filesystem::current_path() / "other.toml").string();
  EXPECT_STREQ(std::getenv("SEINE_CONFIG"), path.c_str());
}

TEST_F(OptionsTest, AVariableHoldsSeveralEntriesAndEachIsChecked) {
  setenv("SEINE_RATE", "data=100/10s,gamma=5/s", 1);
  EXPECT_FALSE(Run({})) << error_;
  EXPECT_EQ(rates_, (std::vector<std::string>{"data=100/10s", "gamma=5/s"}));
  setenv("SEINE_RATE", "data=100/10s,nonsense", 1);
  EXPECT_EQ(Run({}), 2);
  EXPECT_NE(error_.find("SEINE_RATE"), std::string::npos) << error_;
}

TEST_F(OptionsTest, AFileThatWasAskedForMustExist) {
  EXPECT_EQ(Run({"--config", "absent.toml"}), 2);
  setenv("SEINE_CONFIG", "absent.toml", 1);
  EXPECT_EQ(Run({}), 2);
  EXPECT_NE(error_.find("absent.toml"), std::string::npos) << error_;
}

TEST_F(OptionsTest, AnErrorIsOneLineThatSaysWhatWhereAndWhatToDo) {
  EXPECT_EQ(Run({"--nonsense"}), 2);
  EXPECT_EQ(std::count(error_.begin(), error_.end(), '\n'), 1);
  EXPECT_TRUE(error_.starts_with("seine-test: ")) << error_;
  EXPECT_TRUE(error_.ends_with("; see seine-test --help\n")) << error_;
  setenv("SEINE_CREDIT", "1000", 1);
  EXPECT_EQ(Run({}), 2);
  EXPECT_NE(error_.find("SEINE_CREDIT"), std::string::npos) << error_;
}

TEST_F(OptionsTest, HelpShowsDefaultsAndVariables) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_NE(out_.find("here"), std::string::npos) << out_;
  EXPECT_NE(out_.find("SEINE_LISTEN"), std::string::npos) << out_;
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out_, SEINE_VERSION "\n");
}

TEST(ParseHostPortTest, ReadsNamesAndAddresses) {
  EXPECT_EQ(*ParseHostPort("127.0.0.1:8600"), (HostPort{"127.0.0.1", 8600}));
  EXPECT_EQ(*ParseHostPort("[::1]:0"), (HostPort{"::1", 0}));
  for (const char* text : {"", "host", "host:", ":80", "host:65536", "::1:80", "host:-1", "[]:1"}) {
    EXPECT_FALSE(ParseHostPort(text)) << text;
  }
}

TEST(ParseRateTest, ReadsCountsOverPeriods) {
  EXPECT_EQ(*ParseRate("data=200/10s"), (RateLimit{"data", 200, 10}));
  EXPECT_EQ(*ParseRate("rpc=0.5/s"), (RateLimit{"rpc", 0.5, 1}));
  EXPECT_EQ(*ParseRate("clob=9000/1m"), (RateLimit{"clob", 9000, 60}));
  for (const char* text : {"", "data", "data=", "=1/s", "data=1", "data=1/", "data=x/s",
                           "data=-1/s", "data=1/0s", "data=nan/s", "data=1/10", "a/b=1/s"}) {
    EXPECT_FALSE(ParseRate(text)) << text;
  }
}

}  // namespace
}  // namespace common
