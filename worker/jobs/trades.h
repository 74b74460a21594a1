// The trades of a chunk's wallets, page by page, many wallets at a time.
//
// The job says what to ask next and turns answers into batches across its wallets. The next page of
// a wallet is asked for before the last one is committed, but its cursor is mailed together with
// the rows that it has passed, in order, so what is stored is always a prefix of the walk. A
// failure costs one wallet, never its neighbours. A core: no I/O, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/pacing.h"
#include "worker/chunk.h"
#include "worker/http.h"
#include "worker/jobs/batch_book.h"
#include "worker/jobs/horizon.h"
#include "worker/jobs/job.h"
#include "worker/jobs/walk_queue.h"
#include "worker/store/trade_store.h"
#include "worker/token_desk.h"

namespace worker::jobs {

struct TradesLimits {
  std::size_t batch_rows = 40'000;  // a commit and the wallets' progress are spread over them
  common::Duration batch_age = std::chrono::milliseconds(500);
  int tries = 5;  // of one request
  common::BackoffPolicy backoff{std::chrono::seconds(2), std::chrono::seconds(30)};
};

class TradesJob final : public Job {
 public:
  // Borrows the horizon, with its source, and the desk.
  TradesJob(ChunkTask task, Horizon& horizon, TokenDesk& desk, const TradesLimits& limits,
            std::uint64_t seed);

  const Lease& lease() const override { return lease_; }

  void HoldBack(const EndpointSet& endpoints) override {
    held_back_ = endpoints.test(static_cast<std::size_t>(endpoint_));
  }
  bool Wants(common::Instant now, bool may_begin) override;
  Endpoint endpoint() const override { return endpoint_; }
  PageQuery Next(common::Instant now, bool may_begin) override;
  common::Status OnResponse(std::uint32_t index, const HttpResponse& response,
                            common::Instant now) override;
  std::vector<RefusedEvent> TakeRefused() override;
  common::Instant NextAt() const override;

  bool BatchDue(common::Instant now) const override;
  store::Batch TakeBatch(common::Instant now);
  StoreCommand TakeCommand(StreamId stream, common::Instant now) override {
    return WriteBatch{stream, TakeBatch(now)};
  }
  void OnWritten(const store::Receipt& receipt) override;
  void OnRefused(const common::Error& error, common::Instant now) override;

  std::vector<common::WalletId> GiveBack() override;
  void Stop() override { stopped_ = true; }

  bool fenced() const override { return book_.fenced(); }
  bool quiet() const override { return batch_.wallets.empty() && book_.all_answered(); }
  bool stored() const override { return quiet() && queue_.open() == 0; }
  bool finished() const override { return stored() && desk_.Settled(newest_token_); }
  bool stopped() const override { return stopped_; }
  const std::vector<WalletOutcome>& outcomes() const override { return book_.outcomes(); }

  std::uint32_t begun() const override { return queue_.begun(); }
  std::uint32_t waiting() const override { return queue_.waiting(); }
  std::uint32_t ready(Endpoint) const override {
    return static_cast<std::uint32_t>(queue_.ready().size());
  }
  std::uint32_t parts_done() const override { return book_.parts_done(); }
  std::uint64_t rows_stored() const override { return book_.rows_stored(); }
  std::uint64_t retries() const override { return queue_.retries(); }
  std::size_t unwritten_rows() const override {
    return book_.unwritten_rows() + batch_.rows.size();
  }
  std::vector<common::WalletId> in_flight() const override;

 private:
  struct Wallet {
    WalletTask task;
    common::Cursor cursor;  // behind everything that is in a batch
    std::optional<common::UnixSeconds> last_second;
    bool takes_over = false;
    bool restarted = false;
    bool moved = false;                   // in this lease
    bool is_answered = false;             // the upstream itself has answered
    common::UnixSeconds horizon = 0;      // of the page that is being asked for
    common::Instant told_at{};            // when its last progress was noted
    std::optional<std::size_t> progress;  // its place in the open batch
  };

  void Begin(std::uint32_t index, common::Instant now);
  void Accept(std::uint32_t index, sources::Page page, common::Instant now);
  std::string ShortfallOf(const Wallet& wallet, const sources::Page& page) const;
  void TryAgain(std::uint32_t index, const common::Error& error, common::Instant now);
  bool Restart(std::uint32_t index);
  void Fail(std::uint32_t index, WalletOutcome::Kind kind, const std::string& reason,
            common::Instant now);
  void FailAllIdle(const std::string& reason, common::Instant now);
  void EndWallet(std::uint32_t index, WalletOutcome::Kind kind, std::string reason);
  store::WalletProgress& ProgressOf(std::uint32_t index, common::Instant now);
  void ResetBatch();

  // Constant after construction.
  const Lease lease_;
  const common::RunId run_;
  const TradesLimits limits_;
  Horizon& horizon_;
  const sources::TradeSource& source_;
  TokenDesk& desk_;
  const Endpoint endpoint_;

  std::vector<Wallet> wallets_;
  WalkQueue queue_;  // of the wallets, in their order
  bool held_back_ = false;
  bool stopped_ = false;

  store::Batch batch_;
  BatchBook book_;
  std::vector<RefusedEvent> refused_;
  TokenDesk::Number newest_token_ = 0;
};

}  // namespace worker::jobs
