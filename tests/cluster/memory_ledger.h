// A database in memory: the coordinator's ledger, and the workers' fenced store.
//
// It keeps the rules that PostgreSQL keeps, and checks what must never happen.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/ledger.h"

namespace tests::cluster {

struct Wallet {
  int pages = 1;
  int failures = 0;     // times that it fails before it succeeds
  bool poison = false;  // whoever begins it dies

  // The store: pages that are written, and how often.
  std::vector<int> written;
  int cursor = 0;  // the next page
  std::int64_t cursor_epoch = 0;
  bool done = false;
  std::int64_t done_epoch = 0;
  // The run.
  bool failed = false;  // for good
  bool quarantined = false;
  int blames = 0;
  int strikes = 0;  // deaths with it alone
};

class MemoryLedger final : public coordinator::Ledger {
 public:
  explicit MemoryLedger(std::vector<Wallet> wallets);

  common::Result<common::Term> HoldTerm(common::Term current) override;
  common::Result<coordinator::LedgerAnswer> Perform(
      common::Term term, const coordinator::LedgerRequest& request) override;

  // A worker writes one page under its lease. False: fenced.
  bool Write(common::ChunkId chunk, common::Epoch epoch, int wallet, int page, bool last);

  // Another coordinator takes the lease without this one's knowing, and keeps it until then.
  void LeaseRunsOut(common::Instant until) {
    ++term_;
    other_until_ = until;
  }

  void set_now(common::Instant now) { now_ = now; }
  bool finished() const { return finished_; }
  const std::vector<Wallet>& wallets() const { return wallets_; }
  std::int64_t EpochOf(common::ChunkId chunk) const;

  // Empty while every rule holds.
  const std::string& violation() const { return violation_; }
  std::uint64_t fenced_writes() const { return fenced_; }
  std::uint64_t grants() const { return grants_; }
  std::uint64_t regrants() const { return regrants_; }

 private:
  using Answer = common::Result<coordinator::LedgerAnswer>;
  struct Chunk {
    coordinator::ChunkRow row;
    std::vector<int> wallets;
    common::Instant due_at{};
    int grants = 0;
  };

  Answer Do(const coordinator::LoadRequest& request);
  Answer Do(const coordinator::PlanRequest& request);
  Answer Do(const coordinator::PrepareRequest& request);
  Answer Do(const coordinator::GrantRequest& request);
  Answer Do(const coordinator::FinishRequest& request);
  Answer Do(const coordinator::ReclaimRequest& request);
  Answer Do(const coordinator::SplitRequest& request);
  Answer Do(const coordinator::CloseRunRequest& request);
  Answer Do(const coordinator::ScheduleRequest& request);

  coordinator::ChunkRow RowOf(const Chunk& chunk) const;
  coordinator::ChunkRow Create(std::vector<int> wallets, int round, common::Duration wait = {});
  std::vector<coordinator::ChunkRow> Open(bool only_pending) const;
  coordinator::RunRow Run() const;
  // The run has two stages: every third wallet belongs to the second.
  static int StageOf(std::size_t wallet) { return wallet % 3 == 2 ? 2 : 1; }
  void PlanStage(int workers);
  void Violate(const std::string& what);

  std::vector<Wallet> wallets_;
  std::map<std::int64_t, Chunk> chunks_;
  common::Instant now_{};
  std::int64_t term_ = 0;
  common::Instant other_until_{};
  std::int64_t next_chunk_ = 1;
  std::int64_t next_epoch_ = 1;
  bool planned_ = false;
  int stage_ = 1;
  bool finished_ = false;
  std::string violation_;
  std::uint64_t fenced_ = 0;
  std::uint64_t grants_ = 0;
  std::uint64_t regrants_ = 0;
};

}  // namespace tests::cluster
