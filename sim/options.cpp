#include "sim/options.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <CLI/CLI.hpp>

#include "common/options.h"

namespace sim {
namespace {

// The simulator has variables of its own, so that a SEINE_LISTEN of the coordinator is not its.
void NameVariables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option == app.get_help_ptr()) continue;
    std::string name = "SEINE_SIM_";
    for (const char c : option->get_lnames().front()) {
      name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    option->envname(name);
  }
}

void AddWorld(CLI::App& app, WorldOptions& world) {
  app.add_option("--seed", world.seed, "The world is a function of this number");
  app.add_option("--wallets", world.wallets, "Users")->check(CLI::Range(1U, 50'000'000U));
  app.add_option("--fills", world.fills, "Fills of all wallets together");
  app.add_option("--whale-fills", world.whale_fills, "Exactly so many fills of the first wallet");
  app.add_option("--markets", world.markets,
                 "Markets; 0: as many as so many wallets and fills have");
  app.add_option("--protocol-v2-each", world.positions_each,
                 "Every so many markets are of Protocol V2; 0: none");
  app.add_option("--recorded", world.recorded, "A directory of recorded responses to serve");
}

void AddServe(CLI::App& app, ServeOptions& serve) {
  app.add_option("--listen", serve.listen, "HOST:PORT; port 0 takes a free one");
  app.add_option("--port-file", serve.port_file, "Gets the port, when the server is ready");
  app.add_option("--profile", serve.profile, "Faults and limits together: none, mild, nasty");
  app.add_option("--fault", serve.faults,
                 "KIND=PROBABILITY or KIND@WALLET, as 503=0.1; repeatable");
  app.add_option("--limit", serve.limits, "ENDPOINT=N/10s, or ENDPOINT=0 for none; repeatable");
  app.add_option("--latency-ms", serve.latency_ms, "Before each answer; -1: as the profile has it");
  app.add_option("--queue-ms", serve.queue_ms,
                 "How long a request over the limit is held back; -1: as the profile has it");
  app.add_option("--drip-ms", serve.drip_ms, "How long a dripping answer takes");
  app.add_option("--hang-ms", serve.hang_ms, "How long a hanging request waits");
  app.add_option("--burst", serve.burst, "So many 503 or 522 in a row; 0: as the profile has it");
  app.add_option("--live", serve.live, "New fills a second")->check(CLI::Range(0.0, 1e6));
  app.add_option("--unknown-after-seconds", serve.unknown_after_seconds,
                 "When Gamma learns of tokens it does not know; 0: never");
  app.add_option("--cache-seconds", serve.cache_seconds, "First pages come from a cache so old");
  app.add_option("--rpc-max-blocks", serve.rpc.most_blocks, "Most blocks of one eth_getLogs")
      ->check(CLI::PositiveNumber);
  app.add_option("--rpc-max-logs", serve.rpc.most_logs, "Most logs of one eth_getLogs")
      ->check(CLI::PositiveNumber);
  app.add_option("--rpc-head-after-newest", serve.rpc.chain.blocks_after_newest,
                 "The chain ends so many blocks behind the newest fill, with blocks of this "
                 "minute; -1: it goes "
                 "with the clock");
  app.add_flag("--rpc-log-times", serve.rpc.log_times,
               "Logs tell the timestamps of their blocks, as newer nodes do");
  app.add_option("--rpc-unsettled-blocks", serve.rpc.chain.unsettled_blocks,
                 "So many blocks at the head are told as a fork, and otherwise later");
  app.add_flag("--gzip", serve.gzip, "Compress for clients that accept it");
}

}  // namespace

int ParseOptions(int argc, const char* const* argv, Options& options) {
  CLI::App app("The upstreams of Seine, simulated: a world of trades, and who tells it",
               "seine-sim");
  std::string source = "data-api";
  std::string what = "trades";
  CLI::App* serve = app.add_subcommand("serve", "Serve the world over HTTP");
  CLI::App* wallets = app.add_subcommand("wallets", "Print the addresses of the world's users");
  CLI::App* oracle = app.add_subcommand("oracle", "Print what a correct sync holds in the end");
  for (CLI::App* command : {serve, wallets, oracle}) AddWorld(*command, options.serve.world);
  AddServe(*serve, options.serve);
  wallets->add_flag("--contracts,--with-contracts", options.with_contracts,
                    "Contracts and operators, too");
  oracle
      ->add_option("--what", what,
                   "trades, wallets, markets, events, tokens, activity or positions")
      ->check(CLI::IsMember(
          {"trades", "wallets", "markets", "events", "tokens", "activity", "positions"}));
  oracle->add_option("--source", source, "data-api, subgraph, rpc or dome")
      ->check(CLI::IsMember({"data-api", "subgraph", "rpc", "dome"}));
  oracle->add_option("--wallet", options.oracle.wallet_file, "Only the wallets in this file");
  for (CLI::App* command : {serve, wallets, oracle}) NameVariables(*command);
  app.require_subcommand(0, 1);
  if (const auto code = common::ParseOptions(app, argc, argv)) return *code;
  options.serve.rpc.chain.live = options.serve.live > 0;
  options.oracle.world = options.serve.world;
  OracleQuestion& question = options.oracle.question;
  question.source = common::ParseSource(source).value_or(common::Source::kDataApi);
  question.what = ParseOracleSubject(what).value_or(OracleSubject::kTrades);
  if (serve->parsed()) options.command = Options::Command::kServe;
  if (wallets->parsed()) options.command = Options::Command::kWallets;
  if (oracle->parsed()) options.command = Options::Command::kOracle;
  options.help = app.help();
  return -1;
}

}  // namespace sim
