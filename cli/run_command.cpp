#include "cli/run_command.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "cli/screen.h"
#include "cli/terminal.h"
#include "cli/wallet_choice.h"
#include "common/trade.h"

namespace cli {
namespace {

constexpr std::size_t kUploadPiece = 50'000;

int ShowPlan(const Options& options, const std::string& body) {
  if (options.is_json) {
    Print(body);
    return kDone;
  }
  const common::Result<PlanReply> plan = ParsePlan(body);
  if (!plan) return FailedCall(plan.error());
  const char* const units = options.action.empty() ? "wallets" : "units";
  Print(fmt::format("Plan: {} {} in {} chunks; about {} requests", Grouped(plan->wallets), units,
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

// "5 trades, 300 requests, in 1 m 0 s"
std::string Figures(const RunReply& run) {
  const std::int64_t took = std::max<std::int64_t>(run.finished_at - run.started_at, 0);
  return fmt::format("{} trades, {} requests, in {}", Grouped(run.trades), Grouped(run.requests),
                     Span(static_cast<double>(took)));
}

void PrintOutcome(const RunReply& run) {
  const bool is_complete = run.outcome == "complete";
  const bool is_cancelled = run.outcome == "cancelled" || run.state == "cancelled";
  const std::string word = is_complete    ? Green("Complete")
                           : is_cancelled ? Yellow("Cancelled")
                                          : Yellow("Incomplete");
  if (IsOfWalletsAlone(run)) {
    Print(fmt::format("{}: {} of {} wallets, {}", word, Grouped(run.wallets_done),
                      Grouped(run.wallets_total), Figures(run)));
  } else {
    Print(fmt::format("{}: {}, {}", word, run.kind, Figures(run)));
    Print(StageLines(run, 0));
  }
  for (const RunReply::Failed& failed : run.failed) {
    Print(fmt::format("  {}  {}", failed.wallet, failed.reason));
  }
  const auto missing = run.wallets_failed;
  const auto listed = static_cast<std::int64_t>(run.failed.size());
  if (missing > listed) Print(fmt::format("  … and {} more", Grouped(missing - listed)));
  if (is_complete || missing == 0) return;
  // Feeds that are behind have not failed: there is nothing that a retry would take up.
  Print(run.kind == "refresh"
            ? "Try them again with `seine refresh`; `seine retry --all` also lifts quarantine."
            : "Try them again with `seine retry --all`.");
}

// Whether the run was to bring the copy up to now.
bool IsToCatchUp(const RunReply& run) {
  return run.kind == "refresh" || run.kind == "full" || run.kind == "range";
}

// Asked for at once, for the copy ages. Nothing where nobody tells.
std::optional<FreshnessReply> AskFreshness(const AdminClient& client, const RunReply& run,
                                           std::string* body) {
  if (!IsToCatchUp(run)) return std::nullopt;
  auto answer = client.Get("/api/freshness");
  if (!answer) return std::nullopt;
  const auto freshness = ParseFreshness(*answer);
  if (!freshness) return std::nullopt;
  *body = std::move(*answer);
  return *freshness;
}

int Conclude(const Options& options, const AdminClient& client, const RunFollower& follower) {
  std::string body;
  const auto freshness = AskFreshness(client, follower.run(), &body);
  if (options.is_json) {
    // The run's object, with one member more.
    const std::string& run = follower.body();
    Print(freshness ? run.substr(0, run.rfind('}')) + ",\"freshness\":" + body + "}" : run);
  } else {
    PrintOutcome(follower.run());
    if (freshness) Print(FreshnessLines(*freshness));
  }
  return follower.run().outcome == "complete" ? kDone : kIncomplete;
}

std::optional<int> Upload(const AdminClient& client, const WalletList& list,
                          const std::string& discovered_by, common::Signals& signals) {
  const std::string path = fmt::format("/api/admin/wallets?selection={}&discovered_by={}",
                                       list.Selection(), discovered_by);
  const std::vector<std::string> pieces = list.Pieces(kUploadPiece);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (pieces.size() > 1) {
      SayLine(fmt::format("handing over {} wallets: part {} of {}",
                          Grouped(static_cast<std::int64_t>(list.wallets.size())), i + 1,
                          pieces.size()));
    }
    const auto answer = client.PostPatiently(path, pieces[i], kCoordinatorPatience, "text/plain");
    if (!answer) return FailedCall(answer.error());
    if (signals.Drain().stops > 0)
      return Complain(kInterrupted, "interrupted; nothing was started");
  }
  return std::nullopt;
}

}  // namespace

int FailedCall(const common::Error& error) {
  const bool is_away = error.kind == common::ErrorKind::kTransient;
  return Complain(is_away ? kNoFleet : kCannotStart, error.message);
}

void SayWhereSourceEnds(const Options& options) {
  if (options.source != "subgraph") return;
  SayLine("The subgraph is a closed archive: it ends at " + Utc(common::kV1Cutover) +
          " UTC; a later `seine sync` adds what came after.");
}

FleetSettings BorrowedSettings(const Options& options, const StateDir& state) {
  FleetSettings settings = SettingsFrom(options, state);
  if (options.schedule.empty()) {
    settings.coordinator_arguments.insert(settings.coordinator_arguments.end(),
                                          {"--schedule", "off"});
  }
  return settings;
}

std::optional<int> HandOver(const Options& options, const AdminClient& client,
                            const WalletList& list, common::Signals& signals) {
  if (!options.is_dry_run) return Upload(client, list, DiscoveredBy(options), signals);
  if (list.wallets.size() <= kUploadPiece) return std::nullopt;
  return Complain(kUsage, fmt::format("a dry run takes at most {} wallets; plan a part of them",
                                      Grouped(static_cast<std::int64_t>(kUploadPiece))));
}

void NameWallets(const Options& options, const WalletList& list, nlohmann::json& body) {
  if (!options.is_dry_run) {
    body["selection"] = list.Selection();
    return;
  }
  for (const common::WalletAddress& wallet : list.wallets) {
    body["wallets"].push_back(wallet.ToString());
  }
}

int FollowToEnd(const Options& options, const AdminClient& client, const StartedReply& started,
                const BorrowedFleet& fleet, common::Signals& signals) {
  RunFollower follower(client, signals);
  switch (follower.Follow(started.run)) {
    case RunFollower::End::kStopSignal:
      return Interrupted(client, started, fleet.is_ours());
    case RunFollower::End::kCoordinatorLost:
      return Complain(kCannotStart, "lost the coordinator: " + follower.trouble() +
                                        "; what was fetched is stored");
    case RunFollower::End::kOver:
      break;
  }
  return Conclude(options, client, follower);
}

int RunToEnd(const Options& options, const AdminClient& client, const std::string& body,
             const BorrowedFleet& fleet, common::Signals& signals) {
  const auto answer = client.PostPatiently("/api/admin/ingest", body, kCoordinatorPatience);
  if (!answer) return FailedCall(answer.error());
  if (options.is_dry_run) return ShowPlan(options, *answer);
  const common::Result<StartedReply> started = ParseStarted(*answer);
  if (!started) return FailedCall(started.error());
  if (started->is_attached) {
    SayLine(fmt::format("Going on with run {}, which asks for the same.", started->run));
  }
  return FollowToEnd(options, client, *started, fleet, signals);
}

}  // namespace cli
