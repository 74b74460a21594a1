// Commands that start a run and follow it to its end.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/admin_client.h"
#include "cli/borrowed_fleet.h"
#include "cli/fleet_settings.h"
#include "cli/options.h"
#include "cli/run_follower.h"
#include "cli/status_reply.h"
#include "cli/wallet_list.h"
#include "common/error.h"
#include "common/signals.h"

namespace cli {

// The exit code, after a line on stderr.
int FailedCall(const common::Error& error);
// A line on stderr, of a source that is a closed archive.
void SayWhereSourceEnds(const Options& options);

// For a fleet that lives as long as one command: nothing begins by itself unless it was asked for.
FleetSettings BorrowedSettings(const Options& options, const StateDir& state);

// Hands the wallets over under the list's own name, but for a dry run, which keeps nothing.
// Nothing, or the exit code after a line on stderr.
std::optional<int> HandOver(const Options& options, const AdminClient& client,
                            const WalletList& list, common::Signals& signals);
// Names them in what is asked for: by the list's name, or one by one for a dry run.
void NameWallets(const Options& options, const WalletList& list, nlohmann::json& body);

// Starts the run that `body` asks for (or joins the one that is under way) and follows it to its
// end. Returns the exit code. A dry run only prints the plan.
int RunToEnd(const Options& options, const AdminClient& client, const std::string& body,
             const BorrowedFleet& fleet, common::Signals& signals);
// The same for a run that has been started.
int FollowToEnd(const Options& options, const AdminClient& client, const StartedReply& started,
                const BorrowedFleet& fleet, common::Signals& signals);

}  // namespace cli
