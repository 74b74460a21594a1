// The coordinator's loop: channel, ledger and mailboxes around the scheduler.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "common/clock.h"
#include "common/mailbox.h"
#include "common/published.h"
#include "common/signals.h"
#include "coordinator/ledger_loop.h"
#include "coordinator/scheduler.h"
#include "coordinator/status.h"
#include "proto/channel.h"

namespace coordinator {

// The operator changed runs or settings in the database.
struct ResyncCommand {};
struct DrainCommand {
  common::WorkerId worker;
  proto::DrainMode mode = proto::GRACEFUL;
};
using Command = std::variant<ResyncCommand, DrainCommand>;

// What other threads see of the loop.
struct View {
  FleetStatus status;
  proto::ChannelCounters channel;
  std::string database;  // "ok", or "away: why"
};

class Coordinator {
 public:
  Coordinator(proto::ServerChannel& channel, LedgerLoop& ledger, const common::Clock& clock,
              SchedulerTimings timings, std::vector<EndpointLimit> limits);

  // Runs until SIGINT or SIGTERM, or until Stop(). SIGHUP reloads the keys.
  void Run(common::Signals* signals);
  // Safe to call from any thread, as are these three.
  void Stop() { commands_.Close(); }
  bool Tell(Command command) { return commands_.TryPush(std::move(command)); }
  const common::Published<View>& view() const { return view_; }

 private:
  void Wait(common::Signals* signals);
  void TakeEvents();
  void TakeCommands();
  void Perform(Actions actions);
  void PerformOne(SendAction& send);
  void Publish();

  proto::ServerChannel& channel_;
  LedgerLoop& ledger_;
  const common::Clock& clock_;
  Scheduler scheduler_;
  common::Mailbox<Command> commands_;
  common::Published<View> view_;
  common::Instant now_{};
  common::Instant tick_at_{};
  common::Instant publish_at_{};
};

}  // namespace coordinator
