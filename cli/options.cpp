#include "cli/options.h"

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/option_forms.h"
#include "common/options.h"

namespace cli {
namespace {

constexpr char kWalletsHelp[] =
    "File with one address a line (any case; blank lines and # comments allowed), or - for stdin";

constexpr char kQueryHelp[] =
    "Addresses that this query returns in its first column, run read only on --database";

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>(
          "Seine: every trade of every wallet, in your own PostgreSQL.\n\n"
          "Exit codes: 0 done and complete; 1 cannot start or lost what it needs; 2 usage; 3 "
          "finished, but\n"
          "some wallets are incomplete (listed); 4 no fleet is up; 130 interrupted (work is safe).",
          "seine")) {
  app_->require_subcommand(1);
  app_->fallthrough();
  AddGlobalOptions();
  AddFleetCommands();
  AddSyncCommands();
  AddUniverseCommands();
  AddStatusCommands();
  AddUpkeepCommands();
}

CommandLine::~CommandLine() = default;

std::optional<int> CommandLine::Parse(int argc, const char* const* argv) {
  return common::ParseOptions(*app_, argc, argv);
}

CLI::App* CommandLine::Add(CLI::App& parent, const char* name, const char* description,
                           Command command) {
  CLI::App* const added = parent.add_subcommand(name, description);
  added->fallthrough();
  added->callback([this, command = std::move(command)] { chosen_ = command; });
  return added;
}

void CommandLine::AddGlobalOptions() {
  app_->add_option("--state-dir", options_.state_dir, "Where everything of this Seine lives");
  app_->add_option("--database", options_.database,
                   "libpq URL, or 'embedded': a private PostgreSQL under the state directory");
  app_->add_option("--http", options_.http,
                   "Address of the coordinator's HTTP: where `up` puts it (127.0.0.1:8600 unless "
                   "given) and where the other commands look (unless given, what `up` wrote down)");
  app_->add_option("--log-level", options_.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

void CommandLine::AddFleetOptions(CLI::App& command) {
  command
      .add_option("--workers", options_.workers,
                  "How many local workers (4 for a new fleet, or as many as it had)")
      ->check(CLI::Range(0, 1000));
  command.add_option("--listen", options_.listen, "Where workers connect [tcp://127.0.0.1:5600]");
  command.add_option("--keys", options_.keys,
                     "Folder of CURVE keys, made where missing (keys/ in the state directory "
                     "unless given; '' for a loopback fleet without encryption)");
  const auto add_url = [&](const char* name, std::string& url, const char* description) {
    command.add_option(name, url, description);
  };
  add_url("--gamma-url", options_.gamma_url, "Gamma [https://gamma-api.polymarket.com]");
  add_url("--data-url", options_.data_url, "Data API [https://data-api.polymarket.com/v2]");
  add_url("--clob-url", options_.clob_url, "CLOB [https://clob.polymarket.com]");
  add_url("--subgraph-url", options_.subgraph_url, "Orderbook subgraph [Goldsky's]");
  add_url("--rpc-url", options_.rpc_url, "Polygon RPC [none]");
  add_url("--dome-url", options_.dome_url, "Dome [https://api.domeapi.io/v1/polymarket]");
  command
      .add_option(
          "--rate", options_.rates,
          "Requests allowed, as data_trades=190/10s, for data_trades, data_other, "
          "gamma_markets, gamma_other, clob, subgraph, rpc, dome; N=0 is no limit; repeatable "
          "[documented limits less 5 %]")
      ->check(RateForm())
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option(
          "--schedule", options_.schedule,
          "What begins by itself: NAME=TIME or NAME=off for refresh, discover and audit, or "
          "off for all; repeatable [with `up`: refresh=30m discover=6h audit=1d, else off]")
      ->check(ScheduleForm())
      ->delimiter(',')
      ->allow_extra_args(false);
}

void CommandLine::AddFleetCommands() {
  CLI::App* up =
      Add(*app_, "up", "Start database, coordinator and workers, and keep them running", Up);
  AddFleetOptions(*up);
  up->add_flag("-d,--detach", options_.is_detached, "Return once it is up; no live view");
  Add(*app_, "down", "Drain and stop everything that was started here", Down);
  CLI::App* scale = Add(*app_, "scale", "Change the number of local workers", Scale);
  scale->add_option("N", options_.workers, "How many")->required()->check(CLI::Range(0, 1000));
  CLI::App* worker = app_->add_subcommand("worker", "Restart, kill or drain one worker");
  worker->require_subcommand(1)->fallthrough();
  const auto add_worker = [&](const char* name, const char* description, Command command) {
    Add(*worker, name, description, std::move(command))
        ->add_option("ID", options_.id, "As `seine workers` names it")
        ->required()
        ->check(WorkerIdForm());
  };
  add_worker("restart", "It gives back its work, ends, and starts anew", RestartWorker);
  add_worker("kill", "It ends at once, as by kill -9, and starts anew", KillWorker);
  add_worker("drain", "It finishes its work and stays away until restarted", DrainWorker);
  Add(*app_, "supervise-fleet", "", SuperviseFleet)->group("");
  Add(*app_, "guard-supervisor", "", GuardSupervisor)->group("");
}

void CommandLine::AddSyncCommands() {
  CLI::App* sync = Add(*app_, "sync",
                       "Sync wallets' trades; starts a fleet for its duration if none is up", Sync);
  AddFleetOptions(*sync);
  sync->add_option("WALLET", options_.wallets, "Addresses");
  sync->add_option("--wallets", options_.wallets_file, kWalletsHelp);
  sync->add_option("--wallets-query", options_.wallets_query, kQueryHelp);
  sync->add_flag("--all", options_.is_all, "Every known wallet; `seine refresh --all` costs less");
  sync->add_option("--max-wallets", options_.max_wallets, "At most so many, most needy first [all]")
      ->check(CLI::PositiveNumber);
  sync->add_flag("--dry-run", options_.is_dry_run, "Only print the plan");
  sync->add_option("--source", options_.source,
                   "auto, subgraph (ends at 2026-04-28), data-api, rpc or dome")
      ->check(CLI::IsMember({"auto", "subgraph", "data-api", "rpc", "dome"}));
  sync->add_flag("--json", options_.is_json, "Print the outcome as JSON");
  CLI::App* retry = Add(*app_, "retry", "Try again what failed, what is quarantined too", Retry);
  AddFleetOptions(*retry);
  retry->add_option("WALLET", options_.wallets, "Addresses");
  retry->add_flag(
      "--all", options_.is_all,
      "Everything that failed, as without WALLET: wallets, markets, discovery, ranges, feeds");
}

CLI::App* CommandLine::AddRun(const char* name, const char* description,
                              const std::vector<std::string>& sources) {
  CLI::App* const run = app_->add_subcommand(name, description);
  run->fallthrough();
  run->callback([this, name] {
    options_.action = name;
    chosen_ = RunUniverse;
  });
  AddFleetOptions(*run);
  if (!sources.empty()) {
    std::string names;
    for (const std::string& one : sources) names += (names.empty() ? "" : ", ") + one;
    run->add_option("--source", options_.source, "One of " + names)->check(CLI::IsMember(sources));
  }
  run->add_flag("--dry-run", options_.is_dry_run, "Only print the plan, by what is known now");
  run->add_flag("--json", options_.is_json, "Print the outcome as JSON");
  return run;
}

void CommandLine::AddUniverseCommands() {
  const auto add_wallets = [this](CLI::App* run) {
    run->add_option("WALLET", options_.wallets, "Addresses");
    run->add_option("--wallets", options_.wallets_file, kWalletsHelp);
    run->add_option("--wallets-query", options_.wallets_query, kQueryHelp);
  };
  AddRun("markets", "Read every market and event, open and closed, and how they were resolved", {});
  CLI::App* discover =
      AddRun("discover",
             "Find wallets: holders and traders of every market that moved since the last time; "
             "or, where some are named, just note those down",
             {});
  add_wallets(discover);
  discover->add_flag("--all", options_.is_all, "Of every market, also where nothing has moved");
  CLI::App* refresh = AddRun("refresh", "Bring everything up to date, at the cost of what is new",
                             {"auto", "data-api", "subgraph", "rpc"});
  refresh->add_flag("--all", options_.is_all,
                    "Every wallet that something new is known of, as without --top");
  refresh
      ->add_option("--top", options_.max_wallets,
                   "At most so many of them: whales, then those never synced, then the stalest")
      ->check(CLI::Range(1, 1'000'000'000));
  CLI::App* range = AddRun("range",
                           "Walk the whole history by time or by blocks, for all wallets at once; "
                           "goes on where the last range ended",
                           {"subgraph", "rpc"});
  range->get_option("--source")->required();
  range
      ->add_option(
          "--from", options_.range_from,
          "First second or block: where nothing was walked yet, or before what was, to fill "
          "in what is missing [where the last range ended, or the first trade]")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40));
  range->add_option("--to", options_.range_to, "Last second or block [all there is]")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40));
  add_wallets(AddRun("activity",
                     "Read splits, merges, redemptions, conversions and rewards [of all wallets]",
                     {}));
  add_wallets(AddRun("positions", "Read positions and portfolio values [of all wallets]", {}));
  CLI::App* full =
      AddRun("full", "Markets, discovery, trades, activity and positions, in this order",
             {"auto", "data-api", "subgraph", "rpc"});
  full->add_flag("--continuous", options_.is_continuous, "Again and again, until Ctrl-C");
  full->add_option("--pause", options_.pause, "Between two runs, with --continuous [10m]")
      ->check(DurationForm());
}

void CommandLine::AddStatusCommands() {
  const auto add_json = [this](CLI::App* command) {
    command->add_flag("--json", options_.is_json, "For programs");
    return command;
  };
  CLI::App* status = add_json(Add(*app_, "status", "What is going on", ShowStatus));
  status->add_flag("--watch", options_.is_watching, "Live, until Ctrl-C");
  add_json(Add(*app_, "workers", "Each worker's leases, progress, last beat", ShowWorkers));
  add_json(Add(*app_, "runs", "The newest runs", ShowRuns));
  add_json(Add(*app_, "wallet", "One wallet: how far it is synced, and its trades", ShowWallet))
      ->add_option("ADDRESS", options_.id, "0x and 40 hex digits")
      ->required();
  CLI::App* audit = Add(
      *app_, "audit",
      "Compare wallets and conditions with a second view of the upstream, and print what differs",
      Audit);
  audit->add_option("WALLET", options_.wallets, "Addresses");
  audit->add_option("--sample", options_.sample, "So many completed wallets, by chance")
      ->check(CLI::Range(1, 100000));
  audit->add_option("--condition", options_.conditions, "These conditions; repeatable")
      ->check(ConditionForm())
      ->allow_extra_args(false);
  audit
      ->add_option(
          "--conditions", options_.condition_sample,
          "So many conditions whose wallets are discovered, by chance [as many as wallets]")
      ->check(CLI::Range(0, 100000));
  audit->add_option("--gamma-url", options_.gamma_url, "Gamma [https://gamma-api.polymarket.com]");
  audit->add_flag("--scheduled", options_.is_scheduled, "Only if the schedule says that it is time")
      ->group("");
  audit->add_option("--data-url", options_.data_url,
                    "Data API [https://data-api.polymarket.com/v2]");
  audit->add_flag("--json", options_.is_json, "For programs");
}

void CommandLine::AddUpkeepCommands() {
  CLI::App* doctor = Add(*app_, "doctor", "Check what Seine needs, and say what to do", Doctor);
  AddFleetOptions(*doctor);
  CLI::App* db = app_->add_subcommand("db", "The database by itself");
  db->require_subcommand(1)->fallthrough();
  Add(*db, "start", "Start the embedded PostgreSQL", StartDatabase);
  Add(*db, "stop", "Stop the embedded PostgreSQL", StopDatabase);
  Add(*db, "migrate", "Bring the database to this version's schema", MigrateDatabase);
  Add(*db, "psql", "Open psql on the database (arguments after -- are psql's)", OpenPsql)
      ->add_option("ARGUMENT", options_.arguments, "For psql");
  CLI::App* keys = app_->add_subcommand("keys", "Keys of coordinator and workers");
  keys->require_subcommand(1)->fallthrough();
  keys->add_option("--keys", options_.keys,
                   "Folder of keys (keys/ in the state directory unless given)");
  Add(*keys, "init", "Make the coordinator's key pair", InitKeys);
  const auto add_worker = [&](const char* name, const char* description, Command command) {
    Add(*keys, name, description, std::move(command))
        ->add_option("ID", options_.id, "The worker's id")
        ->required()
        ->check(WorkerIdForm());
  };
  add_worker("worker", "Make a worker's key pair and authorise it", AddWorkerKey);
  add_worker("revoke", "Let a worker in no more", RevokeWorkerKey);
  CLI::App* checkpoint = app_->add_subcommand("checkpoint", "A worker's checkpoint file");
  checkpoint->require_subcommand(1)->fallthrough();
  Add(*checkpoint, "show", "Print it as JSON", ShowCheckpoint)
      ->add_option("FILE", options_.file, "workers/<id>/checkpoint.log in the state directory")
      ->required();
}

}  // namespace cli
