// What the user typed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library names itself so
class App;
}

namespace cli {

inline constexpr int kDone = 0;
inline constexpr int kCannotStart = 1;
inline constexpr int kUsage = 2;
inline constexpr int kIncomplete = 3;
inline constexpr int kNoFleet = 4;
inline constexpr int kInterrupted = 130;

struct Options {
  // Of every command.
  std::string state_dir = "./runtime";
  std::string database = "embedded";
  std::string http;
  std::string log_level = "info";

  // Of a fleet that is started.
  std::optional<std::string> listen;
  std::optional<std::string> keys;
  std::string gamma_url, data_url, clob_url, subgraph_url, rpc_url, dome_url;
  std::vector<std::string> rates;
  std::vector<std::string> schedule;
  std::optional<int> workers;

  bool is_detached = false;
  bool is_json = false;
  bool is_watching = false;
  bool is_all = false;
  bool is_dry_run = false;
  std::vector<std::string> wallets;
  std::string wallets_file;
  std::string wallets_query;
  std::int64_t max_wallets = 0;
  std::string source = "auto";
  std::string action;  // of a run over the universe: "markets", "discover", ...
  std::optional<std::int64_t> range_from;
  std::optional<std::int64_t> range_to;
  bool is_continuous = false;
  std::string pause;  // between two runs; empty: the default
  int sample = 0;
  std::vector<std::string> conditions;
  int condition_sample = -1;           // -1: as many as wallets
  bool is_scheduled = false;           // an audit that begins by itself
  std::string id;                      // of a worker
  std::string file;                    // of a checkpoint
  std::vector<std::string> arguments;  // for psql
};

// One command: does its work and returns the exit code.
using Command = std::function<int(const Options&)>;

// The command line: `chosen` is set to what shall run.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Nothing: go on. Otherwise main returns the number.
  std::optional<int> Parse(int argc, const char* const* argv);
  // REQUIRES: Parse() returned nothing.
  int Run() const { return chosen_(options_); }
  const Options& options() const { return options_; }

 private:
  CLI::App* Add(CLI::App& parent, const char* name, const char* description, Command command);
  void AddGlobalOptions();
  void AddFleetOptions(CLI::App& command);
  void AddFleetCommands();
  void AddSyncCommands();
  void AddUniverseCommands();
  CLI::App* AddRun(const char* name, const char* description,
                   const std::vector<std::string>& sources);
  void AddStatusCommands();
  void AddUpkeepCommands();

  std::unique_ptr<CLI::App> app_;
  Options options_;
  Command chosen_;
};

}  // namespace cli
