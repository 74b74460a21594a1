#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/run_command.h"
#include "cli/terminal.h"
#include "cli/wallet_choice.h"

namespace cli {
namespace {

using nlohmann::json;

// Of a list, the coordinator takes all; a part of it is our choice: the first by address.
void KeepAtMost(std::int64_t most, WalletList& list) {
  const auto size = static_cast<std::int64_t>(list.wallets.size());
  if (most <= 0 || size <= most) return;
  list.wallets.erase(std::next(list.wallets.begin(), most), list.wallets.end());
  SayLine(fmt::format("Taking {} of the {} wallets.", Grouped(most), Grouped(size)));
}

// What is wrong with the choice of wallets, if anything.
std::optional<std::string> WrongChoice(const Options& options) {
  const bool is_list = NamesWallets(options);
  if (is_list && options.is_all) return "--all and a list of wallets exclude each other";
  if (!is_list && !options.is_all && options.max_wallets == 0) {
    return "which wallets? Name some, or give --wallets FILE, --wallets-query SQL, --all or "
           "--max-wallets N";
  }
  return std::nullopt;
}

json IngestBody(const Options& options, const WalletList& list) {
  json body{{"action", "process"}, {"source", options.source}};
  if (list.wallets.empty()) {
    body["all"] = true;
  } else {
    NameWallets(options, list, body);
  }
  if (options.max_wallets > 0 && list.wallets.empty()) body["max_wallets"] = options.max_wallets;
  if (options.is_dry_run) body["dry_run"] = true;
  return body;
}

}  // namespace

int Sync(const Options& options) {
  WalletList list;
  if (!ReadWallets(options, list)) return kUsage;
  if (const auto wrong = WrongChoice(options)) return Complain(kUsage, *wrong);
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
  KeepAtMost(options.max_wallets, list);
  if (const auto code = HandOver(options, client, list, signals)) return *code;
  return RunToEnd(options, client, IngestBody(options, list).dump(), fleet, signals);
}

int Retry(const Options& options) {
  WalletList list;
  if (!ReadWallets(options, list)) return kUsage;
  if (options.is_all && !list.wallets.empty()) {
    return Complain(kUsage, "--all and a list of wallets exclude each other");
  }
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  json body;
  if (list.wallets.empty()) body["all"] = true;
  for (const common::WalletAddress& wallet : list.wallets) {
    body["wallets"].push_back(wallet.ToString());
  }
  common::Signals signals;
  BorrowedFleet fleet(*state, signals);
  const common::Status borrowed = fleet.Borrow(BorrowedSettings(options, *state), options.http);
  if (!borrowed) {
    return Complain(signals.stops() > 0 ? kInterrupted : kCannotStart, borrowed.error().message);
  }
  if (!fleet.is_ours() && options.workers) {
    if (const int code = Scale(options); code != kDone) return code;
  }
  const AdminClient client(*state, fleet.is_ours() ? "" : options.http);
  const auto answer = client.PostPatiently("/api/admin/retry", body.dump(), kCoordinatorPatience);
  if (!answer) return FailedCall(answer.error());
  const common::Result<StartedReply> started = ParseStarted(*answer);
  if (!started) return FailedCall(started.error());
  if (started->run == 0) {
    Print("Nothing has failed: there is nothing to try again.");
    return kDone;
  }
  return FollowToEnd(options, client, *started, fleet, signals);
}

}  // namespace cli
