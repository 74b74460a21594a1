// Runs over the whole universe: markets, discovery, ranges, activity, positions, refresh, full.

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/run_command.h"
#include "cli/terminal.h"
#include "cli/wallet_choice.h"
#include "common/clock.h"
#include "common/options.h"

namespace cli {
namespace {

using nlohmann::json;

// What is wrong with the options together, if anything.
std::optional<std::string> WrongWish(const Options& options) {
  if (options.action == "discover" && options.is_all && NamesWallets(options)) {
    return "--all and a list of wallets exclude each other";
  }
  if (options.action == "discover" && options.is_dry_run && NamesWallets(options)) {
    return "discover only notes wallets that are named; --dry-run has nothing to plan for them";
  }
  if (options.is_all && options.max_wallets > 0) return "--all and --top exclude each other";
  if (options.range_from && options.range_to && *options.range_to < *options.range_from) {
    return "--to lies before --from";
  }
  if (!options.pause.empty() && !options.is_continuous) {
    return "--pause goes with --continuous";
  }
  if (options.is_continuous && options.is_dry_run) {
    return "--continuous and --dry-run exclude each other";
  }
  return std::nullopt;
}

json Body(const Options& options, const WalletList& list) {
  json body{{"action", options.action}};
  if (options.source != "auto") body["source"] = options.source;
  if (!list.wallets.empty()) NameWallets(options, list, body);
  if (options.action == "discover" && options.is_all) body["all"] = true;
  if (options.max_wallets > 0) body["max_wallets"] = options.max_wallets;
  if (options.range_from) body["from"] = *options.range_from;
  if (options.range_to) body["to"] = *options.range_to;
  if (options.is_dry_run) body["dry_run"] = true;
  return body;
}

// False if a signal ended the wait.
bool Wait(std::int64_t pause_s, common::Signals& signals) {
  const common::SystemClock clock;
  const auto until = clock.Now() + std::chrono::seconds(pause_s);
  while (clock.Now() < until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock.Now()).count();
    pollfd waited{signals.fd(), POLLIN, 0};
    poll(&waited, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
    if (signals.Drain().stops > 0) return false;
  }
  return true;
}

// One run after the other, for ever; a failure in the upstream is no reason to stop.
int RunForEver(const Options& options, const AdminClient& client, const std::string& body,
               const BorrowedFleet& fleet, common::Signals& signals) {
  const std::int64_t pause_s =
      common::ParseDuration(options.pause.empty() ? "10m" : options.pause).value();
  for (;;) {
    const int code = RunToEnd(options, client, body, fleet, signals);
    if (code != kDone && code != kIncomplete) return code;
    SayLine(fmt::format("The next run begins in {}.", Span(static_cast<double>(pause_s))));
    if (!Wait(pause_s, signals)) {
      SayLine("Interrupted. What was fetched is stored.");
      return kInterrupted;
    }
  }
}

}  // namespace

int RunUniverse(const Options& options) {
  if (const auto wrong = WrongWish(options)) return Complain(kUsage, *wrong);
  WalletList list;
  if (!ReadWallets(options, list)) return kUsage;
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  SayWhereSourceEnds(options);
  common::Signals signals;
  BorrowedFleet fleet(*state, signals);
  FleetSettings settings = BorrowedSettings(options, *state);
  if (options.is_dry_run) settings.workers = 0;
  const common::Status borrowed = fleet.Borrow(settings, options.http);
  if (!borrowed) {
    return Complain(signals.stops() > 0 ? kInterrupted : kCannotStart, borrowed.error().message);
  }
  if (!fleet.is_ours() && options.workers && !options.is_dry_run) {
    if (const int code = Scale(options); code != kDone) return code;
  }
  const AdminClient client(*state, fleet.is_ours() ? "" : options.http);
  if (const auto code = QueryWallets(options, *state, list)) return *code;
  const bool are_found = options.action == "discover" && NamesWallets(options);
  if (!list.wallets.empty()) {
    if (const auto code = HandOver(options, client, list, signals)) return *code;
  }
  if (are_found) {
    Print(fmt::format("{} are known now; `seine refresh --all` or `seine sync --all` syncs them.",
                      Plural(static_cast<std::int64_t>(list.wallets.size()), "wallet")));
    return kDone;
  }
  const std::string body = Body(options, list).dump();
  return options.is_continuous ? RunForEver(options, client, body, fleet, signals)
                               : RunToEnd(options, client, body, fleet, signals);
}

}  // namespace cli
