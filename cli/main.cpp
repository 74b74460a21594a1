#include <cstdio>
#include <exception>

#include "cli/options.h"
#include "cli/process.h"
#include "common/logging.h"

int main(int argc, char** argv) {
  try {
    cli::CommandLine line;
    if (const std::optional<int> code = line.Parse(argc, argv)) return *code;
    common::SetUpLogging(
        "seine", common::ParseLogLevel(line.options().log_level).value_or(common::LogLevel::kInfo));
    cli::ForgetEndedChildren();
    return line.Run();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "seine: %s\n", failure.what());
    return cli::kCannotStart;
  }
}
