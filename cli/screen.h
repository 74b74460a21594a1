// What the coordinator and the supervisor tell, as lines for people.
#pragma once

#include <string>
#include <vector>

#include "cli/admin_client.h"
#include "cli/fleet_settings.h"
#include "cli/status_reply.h"

namespace cli {

std::vector<std::string> RunLines(const RunReply& run);
std::vector<std::string> WorkerLines(const std::vector<WorkerReply>& workers);
std::vector<std::string> RunsLines(const std::vector<RunReply>& runs);
// Only what is worth a word: what does not run, and what was started again.
std::vector<std::string> ProgramLines(const std::vector<ProgramState>& programs);

// One line for each stage: how far it is. `bar`: columns of its bar, 0 for none.
std::vector<std::string> StageLines(const RunReply& run, int bar);

// "The newest trade is of …, 42 s behind.", and the same of blocks where ranges tell them.
std::vector<std::string> FreshnessLines(const FreshnessReply& freshness);

// Why a fleet that is as this tells gets on with no run; empty: it may.
std::string Obstacle(const StatusReply& status);

// A bar for a run of trades, one for each stage of any other; and a line of figures.
std::vector<std::string> ProgressLines(const RunReply& run, int width);
// The same in one plain line.
std::string ProgressLine(const RunReply& run);

// Asks the coordinator and tells all of it; where it does not answer, why, and what the
// supervisor knows.
struct Overview {
  bool is_answered = false;
  bool is_away = false;  // nobody answers at all
  std::vector<std::string> lines;
};
Overview LookAround(const StateDir& state, const AdminClient& client);
inline constexpr int kRefreshMs = 1000;  // for who looks again and again

}  // namespace cli
