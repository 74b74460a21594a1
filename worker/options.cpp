#include "worker/options.h"

#include <array>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "common/ids.h"
#include "common/options.h"

namespace worker {
namespace {

// "host-pid": good enough for a worker that nobody asks for by name.
std::string DefaultId() {
  constexpr std::size_t kLongestHost = 48;
  std::array<char, kLongestHost> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string id = std::string(host.data()) + "-" + std::to_string(getpid());
  return common::ParseWorkerId(id) ? id : "worker-" + std::to_string(getpid());
}

std::string CheckId(const std::string& text) {
  if (common::ParseWorkerId(text)) return {};
  return "a worker's id is 1 to 64 letters, digits, '.', '_' or '-'";
}

std::string CheckLevel(const std::string& text) {
  if (common::ParseLogLevel(text)) return {};
  return "a log level is debug, info, warning or error";
}

}  // namespace

std::optional<int> ReadOptions(int argc, const char* const* argv, WorkerOptions& options) {
  CLI::App app("Fetches trades as the coordinator tells it, and stores them in PostgreSQL.",
               "seine-worker");
  options.id = DefaultId();
  std::string level = "info";
  app.add_option("--connect", options.connect, "The coordinator's address")->capture_default_str();
  app.add_option("--id", options.id, "This worker's name, the same after a restart")
      ->check(CheckId)
      ->default_str("host-pid");
  app.add_option("--state-dir", options.state_dir, "Where its checkpoint file is kept")
      ->capture_default_str();
  app.add_option("--keys", options.keys_dir,
                 "Folder with workers/ID.key; empty: a coordinator without keys");
  app.add_option("--server-key", options.server_key,
                 "The coordinator's public key file; default: coordinator.pub in --keys");
  app.add_option("--database", options.database,
                 "PostgreSQL URL, or 'embedded': the cluster under --state-dir")
      ->capture_default_str();
  app.add_option("--gamma-url", options.upstreams.gamma_url, "Gamma API")->capture_default_str();
  app.add_option("--data-url", options.upstreams.data_url, "Data API v2")->capture_default_str();
  app.add_option("--clob-url", options.upstreams.clob_url, "CLOB API")->capture_default_str();
  app.add_option("--subgraph-url", options.upstreams.subgraph_url, "Orderbook subgraph")
      ->capture_default_str();
  app.add_option("--rpc-url", options.upstreams.rpc_url,
                 "JSON-RPC of a Polygon node; empty: there is none")
      ->capture_default_str();
  app.add_option("--dome-url", options.upstreams.dome_url, "Dome API")->capture_default_str();
  app.add_option("--in-flight", options.in_flight, "Wallets fetched at the same time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--host-pause-ms", options.host_pause_ms,
                 "How long an upstream is left alone after five failures in a row")
      ->check(CLI::Range(1, 3'600'000))
      ->capture_default_str();
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->check(CheckLevel)
      ->capture_default_str();
  if (const auto code = common::ParseOptions(app, argc, argv)) return code;
  options.log_level = *common::ParseLogLevel(level);
  return std::nullopt;
}

}  // namespace worker
