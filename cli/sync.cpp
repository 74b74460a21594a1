#include <cstdio>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/borrowed_fleet.h"
#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/run_follower.h"
#include "cli/screen.h"
#include "cli/wallet_list.h"
#include "common/signals.h"
#include "common/trade.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr std::size_t kUploadPiece = 50'000;
constexpr std::chrono::seconds kPatience(60);
constexpr std::size_t kMaxShownComplaints = 1000;

void SayLine(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

int FailedCall(const common::Error& error) {
  const bool is_away = error.kind == common::ErrorKind::kTransient;
  return Complain(is_away ? kNoFleet : kCannotStart, error.message);
}

// Reads what the user named; false after every complaint was printed.
bool ReadWallets(const Options& options, WalletList& list) {
  for (const std::string& wallet : options.wallets) list.Add(wallet, "argument");
  if (options.wallets_file == "-") {
    list.AddLines(std::cin, "stdin");
  } else if (!options.wallets_file.empty()) {
    std::ifstream file(options.wallets_file);
    if (!file || std::filesystem::is_directory(options.wallets_file)) {
      Complain(kUsage, options.wallets_file + ": the file of --wallets cannot be read");
      return false;
    }
    list.AddLines(file, options.wallets_file);
  }
  for (std::size_t i = 0; i < list.complaints.size() && i < kMaxShownComplaints; ++i) {
    Complain(kUsage, list.complaints[i]);
  }
  if (!list.complaints.empty()) {
    SayLine(Grouped(static_cast<std::int64_t>(list.complaints.size())) +
            " of the addresses cannot be used; nothing was started.");
  }
  return list.complaints.empty();
}

// Of a list, the coordinator takes all; a part of it is our choice: the first by address.
void KeepAtMost(std::int64_t most, WalletList& list) {
  const auto size = static_cast<std::int64_t>(list.wallets.size());
  if (most <= 0 || size <= most) return;
  list.wallets.erase(std::next(list.wallets.begin(), most), list.wallets.end());
  SayLine(fmt::format("Taking {} of the {} wallets.", Grouped(most), Grouped(size)));
}

// What is wrong with the choice of wallets, if anything.
std::optional<std::string> WrongChoice(const Options& options, const WalletList& list) {
  const bool is_list = !options.wallets.empty() || !options.wallets_file.empty();
  if (is_list && options.is_all) return "--all and a list of wallets exclude each other";
  if (is_list && list.wallets.empty()) return options.wallets_file + " holds no address";
  if (!is_list && !options.is_all && options.max_wallets == 0) {
    return "which wallets? Name some, or give --wallets FILE, --all or --max-wallets N";
  }
  return std::nullopt;
}

json IngestBody(const Options& options, const WalletList& list) {
  json body{{"action", "process"}, {"source", options.source}};
  if (list.wallets.empty()) {
    body["all"] = true;
  } else {
    body["selection"] = list.Selection();
  }
  if (options.max_wallets > 0 && list.wallets.empty()) body["max_wallets"] = options.max_wallets;
  if (options.is_dry_run) body["dry_run"] = true;
  return body;
}

// Nothing, or the exit code after a line on stderr.
std::optional<int> Upload(const AdminClient& client, const WalletList& list,
                          common::Signals& signals) {
  const std::string path =
      fmt::format("/api/admin/wallets?selection={}&discovered_by=list", list.Selection());
  const std::vector<std::string> pieces = list.Pieces(kUploadPiece);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces.size() > 1) {
      SayLine(fmt::format("handing over {} wallets: part {} of {}",
                          Grouped(static_cast<std::int64_t>(list.wallets.size())), i + 1,
                          pieces.size()));
    }
    const auto answer = client.PostPatiently(path, pieces[i], kPatience, "text/plain");
    if (!answer) return FailedCall(answer.error());
    if (signals.Drain().stops > 0)
      return Complain(kInterrupted, "interrupted; nothing was started");
  }
  return std::nullopt;
}

int ShowPlan(const Options& options, const std::string& body) {
  if (options.is_json) {
    Print(body);
    return kDone;
  }
  const common::Result<PlanReply> plan = ParsePlan(body);
  if (!plan) return FailedCall(plan.error());
  Print(fmt::format("Plan: {} wallets in {} chunks; about {} requests", Grouped(plan->wallets),
                    Grouped(plan->chunks), Grouped(plan->requests)));
  Print(plan->rate_per_second > 0
            ? fmt::format("At {} requests/s, as {} allows: about {}", Rate(plan->rate_per_second),
                          plan->endpoint, Span(plan->seconds))
            : fmt::format("No limit for {} is set: as fast as it answers", plan->endpoint));
  return kDone;
}

int Interrupted(const AdminClient& client, const StartedReply& started, bool is_ours) {
  if (!is_ours && started.is_attached) {
    SayLine(fmt::format("Run {} goes on without us; `seine status` shows it.", started.run));
    return kInterrupted;
  }
  if (!is_ours) {
    const auto answer =
        client.Post("/api/admin/cancel", fmt::format("{{\"run\":{}}}", started.run));
    if (!answer) SayLine("The run could not be cancelled: " + answer.error().message);
  }
  SayLine("Interrupted. What was fetched is stored; the same command goes on from there.");
  return kInterrupted;
}

int Conclude(const Options& options, const RunFollower& follower) {
  const RunReply& run = follower.run();
  const bool is_complete = run.outcome == "complete";
  const bool is_cancelled = run.outcome == "cancelled" || run.state == "cancelled";
  if (options.is_json) {
    Print(follower.body());
  } else {
    const std::int64_t took = std::max<std::int64_t>(run.finished_at - run.started_at, 0);
    Print(fmt::format("{}: {} of {} wallets, {} trades, {} requests, in {}",
                      is_complete    ? Green("Complete")
                      : is_cancelled ? Yellow("Cancelled")
                                     : Yellow("Incomplete"),
                      Grouped(run.wallets_done), Grouped(run.wallets_total), Grouped(run.trades),
                      Grouped(run.requests), Span(static_cast<double>(took))));
    for (const RunReply::Failed& failed : run.failed) {
      Print(fmt::format("  {}  {}", failed.wallet, failed.reason));
    }
    const auto missing = run.wallets_failed + run.wallets_quarantined;
    const auto listed = static_cast<std::int64_t>(run.failed.size());
    if (missing > listed) Print(fmt::format("  … and {} more", Grouped(missing - listed)));
    if (!is_complete && missing > 0) Print(std::string("Try them again with `seine retry --all`."));
  }
  if (is_complete) return kDone;
  return kIncomplete;
}

// Starts the run (or joins the one that is under way) and follows it to its end.
int RunToEnd(const Options& options, const AdminClient& client, const json& body,
             const BorrowedFleet& fleet, common::Signals& signals) {
  const auto answer = client.PostPatiently("/api/admin/ingest", body.dump(), kPatience);
  if (!answer) return FailedCall(answer.error());
  if (options.is_dry_run) return ShowPlan(options, *answer);
  const common::Result<StartedReply> started = ParseStarted(*answer);
  if (!started) return FailedCall(started.error());
  if (started->is_attached) {
    SayLine(fmt::format("Going on with run {}, which asks for the same.", started->run));
  }
  RunFollower follower(client, signals);
  switch (follower.Follow(started->run)) {
    case RunFollower::End::kStopSignal:
      return Interrupted(client, *started, fleet.is_ours());
    case RunFollower::End::kCoordinatorLost:
      return Complain(kCannotStart, "lost the coordinator: " + follower.trouble() +
                                        "; what was fetched is stored");
    case RunFollower::End::kOver:
      break;
  }
  return Conclude(options, follower);
}

}  // namespace

int Sync(const Options& options) {
  WalletList list;
  if (!ReadWallets(options, list)) return kUsage;
  if (const auto wrong = WrongChoice(options, list)) return Complain(kUsage, *wrong);
  KeepAtMost(options.max_wallets, list);
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  if (options.source == "subgraph") {
    SayLine("The subgraph is a closed archive: it ends at " + Utc(common::kV1Cutover) +
            " UTC; a later `seine sync` adds what came after.");
  }
  common::Signals signals;
  BorrowedFleet fleet(*state, signals);
  FleetSettings settings = SettingsFrom(options, *state);
  if (options.is_dry_run) settings.workers = 0;
  const common::Status borrowed = fleet.Borrow(settings, options.http);
  if (!borrowed) {
    return Complain(signals.stops() > 0 ? kInterrupted : kCannotStart, borrowed.error().message);
  }
  if (!fleet.is_ours() && options.workers && !options.is_dry_run) {
    if (const int code = Scale(options); code != kDone) return code;
  }
  const AdminClient client(*state, fleet.is_ours() ? "" : options.http);
  if (const auto code = Upload(client, list, signals)) return *code;
  return RunToEnd(options, client, IngestBody(options, list), fleet, signals);
}

int Retry(const Options& options) {
  WalletList list;
  if (!ReadWallets(options, list)) return kUsage;
  if (options.is_all == !list.wallets.empty()) {
    return Complain(kUsage, "name the wallets to retry, or give --all");
  }
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  json body;
  if (options.is_all) body["all"] = true;
  for (const common::WalletAddress& wallet : list.wallets) {
    body["wallets"].push_back(wallet.ToString());
  }
  common::Signals signals;
  BorrowedFleet fleet(*state, signals);
  const common::Status borrowed = fleet.Borrow(SettingsFrom(options, *state), options.http);
  if (!borrowed) return Complain(kCannotStart, borrowed.error().message);
  const AdminClient client(*state, fleet.is_ours() ? "" : options.http);
  const auto answer = client.PostPatiently("/api/admin/retry", body.dump(), kPatience);
  if (!answer) return FailedCall(answer.error());
  const common::Result<StartedReply> started = ParseStarted(*answer);
  if (!started) return FailedCall(started.error());
  RunFollower follower(client, signals);
  switch (follower.Follow(started->run)) {
    case RunFollower::End::kStopSignal:
      return Interrupted(client, *started, fleet.is_ours());
    case RunFollower::End::kCoordinatorLost:
      return Complain(kCannotStart, follower.trouble());
    case RunFollower::End::kOver:
      break;
  }
  return Conclude(options, follower);
}

}  // namespace cli
