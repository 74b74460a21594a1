// Flags, then SEINE_* variables, then seine.toml: what every program's options.cpp needs beyond
// CLI11 itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own name.
class App;
}

namespace common {

// Call after every option and subcommand has been added. Adds --config (default ./seine.toml, if
// it is there) and --version, gives each option --some-name the variable SEINE_SOME_NAME, shows
// defaults in --help, and parses. In seine.toml an option is written as some-name or some_name, a
// subcommand's under [subcommand], or above all sections for whichever is typed; keys that this
// program does not have are another program's. A file that was asked for is handed on: --config
// becomes SEINE_CONFIG of this process.
//
// Nothing: go on. Otherwise main returns the number: 0 after --help or --version; 2 after one line
// on stderr that says what is wrong, where, and what to do.
std::optional<int> ParseOptions(CLI::App& app, int argc, const char* const* argv);

// The variable of an option: "some-name" has SEINE_SOME_NAME.
std::string VariableFor(std::string_view option_name);

struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// "127.0.0.1:8600", "[::1]:0", "localhost:80". The error says what is expected.
Result<HostPort> ParseHostPort(std::string_view text);

struct RateLimit {
  std::string name;
  double count = 0;
  double seconds = 1;

  double per_s() const { return count / seconds; }
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// "data_trades=190/10s", "gamma_other=4/s", "rpc=0.5/s", "clob=9000/1m". The error says what is
// expected.
Result<RateLimit> ParseRate(std::string_view text);

// How often something begins by itself; 0 seconds: never.
struct ScheduleEntry {
  std::string name;
  std::int64_t every_s = 0;

  friend bool operator==(const ScheduleEntry&, const ScheduleEntry&) = default;
};

// "refresh=30m", "discover=6h", "audit=1d", "refresh=off"; units s, m, h and d. The error says what
// is expected.
Result<ScheduleEntry> ParseSchedule(std::string_view text);

// "90s", "30m", "6h", "1d" in seconds; at least one second, at most 1,000 days.
Result<std::int64_t> ParseDuration(std::string_view text);

}  // namespace common
