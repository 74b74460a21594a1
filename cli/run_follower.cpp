#include "cli/run_follower.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cli/screen.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLiveInterval(500);
constexpr milliseconds kPlainInterval(250);
constexpr seconds kLineInterval(5);
constexpr seconds kLookInterval(2);

}  // namespace

RunFollower::RunFollower(const AdminClient& client, common::Signals& signals)
    : client_(client), signals_(signals), is_live_(IsTerminal(STDERR_FILENO)) {}

RunFollower::End RunFollower::Follow(std::int64_t run) {
  const common::SystemClock clock;
  common::Instant last_heard = clock.Now();
  next_line_ = last_heard + kLineInterval;
  next_look_ = last_heard + kLookInterval;
  while (true) {
    const bool is_heard = Ask(run);
    const common::Instant now = clock.Now();
    if (is_heard) last_heard = now;
    if (is_heard && !run_.is_over()) Look(now);
    if (now - last_heard > kCoordinatorPatience) {
      footer_.Clear();
      return End::kCoordinatorLost;
    }
    Show(now);
    if (is_heard && run_.is_over()) break;
    pollfd waited{signals_.fd(), POLLIN, 0};
    poll(&waited, 1, static_cast<int>((is_live_ ? kLiveInterval : kPlainInterval).count()));
    if (signals_.Drain().stops > 0) {
      footer_.Clear();
      return End::kStopSignal;
    }
  }
  footer_.Clear();
  if (!is_live_) std::fprintf(stderr, "%s\n", ProgressLine(run_).c_str());
  return End::kOver;
}

bool RunFollower::Ask(std::int64_t run) {
  common::Result<std::string> body = client_.Get(fmt::format("/api/runs?run={}", run));
  if (body) {
    common::Result<RunReply> reply = ParseRun(*body);
    if (reply && reply->run == run) {
      run_ = std::move(*reply);
      body_ = std::move(*body);
      trouble_.clear();
      return true;
    }
    trouble_ = reply ? "the coordinator does not know the run" : reply.error().message;
    return false;
  }
  trouble_ = body.error().message;
  return false;
}

// Workers that are only just starting are no obstacle: that none is live must be so twice.
void RunFollower::Look(common::Instant now) {
  if (now < next_look_) return;
  next_look_ = now + kLookInterval;
  const common::Result<std::string> body = client_.Get("/api/status");
  const auto status = body ? ParseStatus(*body) : common::Result<StatusReply>(body.error());
  if (!status) return;
  const bool was_idle = std::exchange(is_idle_, status->is_fleet_known && status->live == 0);
  const bool is_paused = status->state == "paused";
  std::string obstacle;
  if (is_paused || (is_idle_ && was_idle)) {
    obstacle = Obstacle(*status);
  } else if (run_.state == "queued" && status->run && status->run->run != run_.run) {
    obstacle = fmt::format("run {} ({}) is finished first; `seine status` shows it",
                           status->run->run, status->run->kind);
  }
  if (obstacle == obstacle_) return;
  obstacle_ = std::move(obstacle);
  if (!is_live_ && !obstacle_.empty()) std::fprintf(stderr, "waiting: %s\n", obstacle_.c_str());
}

void RunFollower::Show(common::Instant now) {
  if (is_live_) {
    std::vector<std::string> lines = ProgressLines(run_, TerminalWidth());
    if (run_.run == 0) lines = {"waiting for the coordinator"};
    const std::string& why = trouble_.empty() ? obstacle_ : trouble_;
    if (!why.empty()) lines.push_back("waiting: " + why);
    footer_.Show(lines);
    return;
  }
  if (now < next_line_) return;
  next_line_ = now + kLineInterval;
  std::string line = trouble_.empty() ? ProgressLine(run_) : "waiting: " + trouble_;
  if (line == last_line_) return;
  std::fprintf(stderr, "%s\n", line.c_str());
  last_line_ = std::move(line);
}

}  // namespace cli
