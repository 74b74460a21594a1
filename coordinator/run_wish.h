// A run that somebody wishes for, and how it gets into the queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"

namespace common {
class PgConnection;
}

namespace coordinator {

struct RunWish {
  std::string action = "process";  // see plans::StagesOf
  std::string source = "auto";
  std::string selection;  // of wallets, for process, activity and positions; empty: see below
  bool all = false;       // for discover: markets that have not moved, too
  // > 0: no more than those that need it most; for process and refresh.
  std::int64_t max_wallets = 0;
  // For range: second or block; nothing: where ranges ended, and all there is.
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  std::vector<std::string> stages;  // for retry: of what failed
};

struct NewRun {
  common::RunId run;
  bool attached = false;  // the same run was under way already
  std::int64_t wallets = 0;
  std::int64_t units = 0;  // that are no wallets
};

// One transaction at a time orders runs, so that the same wish twice is one run.
common::Status LockOrders(common::PgConnection& connection);

// The selection that is wished for; nothing: all wallets.
common::Result<std::optional<std::string>> SelectWallets(common::PgConnection& connection,
                                                         const RunWish& wish);

// Queues the run, or finds the one that asks for the same and is not over. `scheduled_by`: the
// entry of the schedule, empty for a person. REQUIRES: LockOrders in this transaction.
common::Result<NewRun> OrderRun(common::PgConnection& connection, const RunWish& wish,
                                const std::optional<std::string>& selection,
                                const std::string& scheduled_by = "");

}  // namespace coordinator
