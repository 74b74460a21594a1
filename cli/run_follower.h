// Shows a run until it is over: a live bar on a terminal, a plain line every few seconds elsewhere.
#pragma once

#include <optional>
#include <string>

#include "cli/admin_client.h"
#include "cli/status_reply.h"
#include "cli/terminal.h"
#include "common/signals.h"

namespace cli {

class RunFollower {
 public:
  enum class End { kOver, kStopSignal, kCoordinatorLost };

  RunFollower(const AdminClient& client, common::Signals& signals);

  // A coordinator that is away, or restarting, is waited for up to 60 s.
  End Follow(std::int64_t run);

  // As last heard; with the failed wallets.
  const RunReply& run() const { return run_; }
  const std::string& body() const { return body_; }
  const std::string& trouble() const { return trouble_; }

 private:
  bool Ask(std::int64_t run);
  // Whether the fleet may work at all.
  void Look(common::Instant now);
  void Show(common::Instant now);

  const AdminClient& client_;
  common::Signals& signals_;
  const bool is_live_;
  Footer footer_;
  RunReply run_;
  std::string body_;
  std::string trouble_;
  std::string obstacle_;  // why no progress is possible; empty: none
  bool is_idle_ = false;  // no worker was live at the last look
  std::string last_line_;
  common::Instant next_line_;
  common::Instant next_look_;
};

}  // namespace cli
