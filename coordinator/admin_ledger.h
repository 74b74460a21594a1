// What the operator reads and changes in the database: wallets, selections, runs, settings.
//
// Every call borrows a connection, so it may be used by any HTTP thread; the coordinator's loop
// is told afterwards to read anew.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ids.h"
#include "common/postgres_pool.h"
#include "coordinator/ledger.h"
#include "coordinator/run_wish.h"

namespace coordinator {

struct DryRun {
  std::int64_t wallets = 0;
  std::int64_t chunks = 0;
  std::int64_t requests = 0;
};

struct FailedWallet {
  std::string wallet;  // its address, or a unit as "kind: task"
  std::string reason;
};

struct WalletView {
  common::WalletAddress address;
  std::string discovered_by;
  std::string status;
  bool quarantined = false;
  std::int64_t trades_stored = 0;
  std::int64_t trades_processed = 0;
  common::UnixSeconds complete_to = 0;
  common::UnixSeconds last_trade_ts = 0;
  common::UnixSeconds last_synced_at = 0;
  std::int64_t duration_ms = 0;
  std::int64_t error_count = 0;
  std::string last_error;
};

// How many wallets are how far, how many trades are stored, and of when they are.
struct Census {
  std::int64_t wallets = 0;
  std::int64_t pending = 0;
  std::int64_t syncing = 0;
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t trades = 0;
  common::UnixSeconds newest_trade = 0;  // 0: none is stored
  common::UnixSeconds ranges_to = 0;     // how far blocks have been told; 0: none have
};

class AdminLedger {
 public:
  explicit AdminLedger(std::string url) : pool_(std::make_unique<common::PgPool>(std::move(url))) {}

  struct Added {
    std::int64_t wallets = 0;
    std::int64_t fresh = 0;
  };
  // Those that were never synced to the end wait for the next refresh, too.
  common::Result<Added> AddWallets(const std::string& selection, const std::string& discovered_by,
                                   const std::vector<common::WalletAddress>& wallets) const;
  common::Result<NewRun> CreateRun(const RunWish& wish) const;
  // Nothing of it is kept. `wallets`: instead of a selection.
  common::Result<DryRun> PlanDry(RunWish wish, int workers,
                                 const std::vector<common::WalletAddress>& wallets = {}) const;
  // A run of wallets that failed, and of their feeds; kRejected if none of them is known. Empty
  // `wallets`: of everything that did. Run 0 if nothing has.
  common::Result<NewRun> Retry(const std::vector<common::WalletAddress>& wallets) const;
  // kRejected if the run is not queued or running.
  common::Status Cancel(common::RunId run) const;

  common::Status SetPaused(bool paused) const;
  common::Status SetDesired(int workers) const;
  common::Status SetStopped(const std::string& worker, bool stopped) const;
  // True if that entry is due and no run is under way: then it is the caller's to do, and its next
  // time lies ahead.
  common::Result<bool> ClaimSchedule(const std::string& name) const;
  // Writes down a run that somebody else did: an audit.
  common::Status NoteRun(const std::string& kind, common::UnixSeconds started_at,
                         std::int64_t wallets, bool is_complete) const;

  common::Result<std::vector<RunRow>> Runs(int limit) const;
  // kRejected if there is no such run.
  common::Result<RunRow> Run(common::RunId run) const;
  common::Result<std::vector<FailedWallet>> FailedOf(common::RunId run, int limit) const;
  common::Result<std::optional<WalletView>> Wallet(const common::WalletAddress& address) const;
  common::Result<Census> Count() const;

 private:
  common::Status Execute(const char* sql, const std::string& value) const;

  std::unique_ptr<common::PgPool> pool_;
};

// In the caller's transaction.
common::Result<AdminLedger::Added> InsertWallets(common::PgConnection& connection,
                                                 const std::string& selection,
                                                 const std::string& discovered_by,
                                                 std::vector<common::WalletAddress> wallets);

}  // namespace coordinator
