#include "cli/format.h"

#include <fstream>

#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/log_bound.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

TEST(FormatTest, NumbersAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(-1234567), "-1,234,567");
}

TEST(FormatTest, RatesAndSpansReadWell) {
  EXPECT_EQ(Rate(0.01), "0");
  EXPECT_EQ(Rate(19.84), "19.8");
  EXPECT_EQ(Rate(18203.4), "18,203");
  EXPECT_EQ(Span(8), "8 s");
  EXPECT_EQ(Span(130), "2 m 10 s");
  EXPECT_EQ(Span(11100), "3 h 5 m");
  EXPECT_EQ(Span(187200), "2 d 4 h");
}

TEST(FormatTest, BytesAndTimes) {
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(812'000), "812 kB");
  EXPECT_EQ(Bytes(1'400'000'000), "1.4 GB");
  EXPECT_EQ(Utc(1777374040), "2026-04-28 11:00:40");
  EXPECT_EQ(Utc(0), "-");
}

TEST(FormatTest, CutCountsCharactersAndIgnoresColours) {
  EXPECT_EQ(Cut("abcdef", 6), "abcdef");
  EXPECT_EQ(Cut("abcdef", 4), "abc…");
  EXPECT_EQ(Columns("\033[31mrot\033[0m █"), 5U);
  EXPECT_EQ(Columns(Cut("\033[31mrot und blau\033[0m", 5)), 5U);
}

TEST(FormatTest, TablesAlign) {
  Table table({"name", ">count"});
  table.Add({"a", "1"});
  table.Add({"long name", "1,000"});
  EXPECT_EQ(table.Lines(),
            (std::vector<std::string>{"name       count", "a              1", "long name  1,000"}));
}

TEST(FormatTest, BarsAreAsWideAsAsked) {
  EXPECT_EQ(Columns(Bar(0.5, 10)), 10U);
  EXPECT_EQ(Bar(2, 2), "██");
  EXPECT_EQ(Bar(-1, 2), "░░");
}

TEST(LogBoundTest, ALargeLogIsMovedAsideAndItsWriterGoesOn) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "worker-1.log";
  std::ofstream log(path, std::ios::app);
  log << std::string(100, 'x') << std::flush;
  BoundLog(path, 50);
  log << "later\n" << std::flush;
  EXPECT_EQ(ReadFile(path), "later\n");
  EXPECT_EQ(ReadFile(path.string() + ".1"), std::string(100, 'x'));
}

}  // namespace
}  // namespace cli
