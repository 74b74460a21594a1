// What the three commands take. One struct for the world, so that `serve`, `wallets` and `oracle`
// speak of the same one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/oracle_rows.h"
#include "sim/rpc_options.h"

namespace sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t wallets = 1000;
  std::uint64_t fills = 100'000;
  std::uint64_t whale_fills = 0;     // 0: as chance has it
  std::string recorded;              // a directory of recorded responses; "" for the seeded world
  std::uint32_t markets = 0;         // 0: as many as so many wallets and fills have
  std::uint32_t positions_each = 0;  // every so many markets are of Protocol V2; 0: none
};

struct ServeOptions {
  WorldOptions world;
  std::string listen = "127.0.0.1:0";
  std::string port_file;
  std::string profile = "none";
  std::vector<std::string> faults;  // KIND=PROBABILITY or KIND@WALLET
  std::vector<std::string> limits;  // ENDPOINT=N/10s
  std::int64_t latency_ms = -1;     // -1: as the profile has it
  std::int64_t queue_ms = -1;       // the same
  std::int64_t drip_ms = 3000;
  std::int64_t hang_ms = 120'000;
  std::int64_t burst = 0;                  // 0: the same
  double live = 0;                         // fills per second
  std::int64_t unknown_after_seconds = 0;  // 0: such tokens stay unknown for ever
  std::int64_t cache_seconds = 0;
  bool gzip = false;
  RpcOptions rpc;
};

struct OracleOptions {
  WorldOptions world;
  OracleQuestion question;
  std::string wallet_file;
};

struct Options {
  enum class Command { kHelp, kServe, kWallets, kOracle };
  Command command = Command::kHelp;
  ServeOptions serve;    // its world is that of all commands
  OracleOptions oracle;  // likewise
  bool with_contracts = false;
  std::string help;
};

// Reads the command line. -1: go on with `options`. Otherwise help or an error was printed, and the
// returned number is the exit code.
int ParseOptions(int argc, const char* const* argv, Options& options);

}  // namespace sim
