// The units of a chunk, each a walk of its own, several at a time.
//
// As in a chunk of trades, what is fetched is mailed in order, so that what is stored is always a
// prefix of each walk. A core; belongs to the network loop.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/pacing.h"
#include "worker/jobs/batch_book.h"
#include "worker/jobs/horizon.h"
#include "worker/jobs/job.h"
#include "worker/jobs/unit_walk.h"
#include "worker/jobs/walk_queue.h"
#include "worker/store/unit_batch.h"
#include "worker/token_desk.h"

namespace worker::jobs {

struct UnitLimits {
  std::size_t batch_trades = 20'000;  // a commit's wait is spread over them
  std::size_t batch_others = 5'000;   // rows of all other kinds, which are larger
  common::Duration batch_age = std::chrono::milliseconds(500);
  int tries = 5;  // of one request
  common::BackoffPolicy backoff{std::chrono::seconds(2), std::chrono::seconds(30)};
};

class UnitJob final : public Job {
 public:
  // Borrows the desk and the horizon; `make_walk` is called as each unit begins. No horizon: the
  // units need none.
  UnitJob(ChunkTask task, WalkMaker make_walk, Horizon* horizon, TokenDesk& desk,
          const UnitLimits& limits, std::uint64_t seed);

  const Lease& lease() const override { return task_.lease; }

  void HoldBack(const EndpointSet& endpoints) override { held_back_ = endpoints; }
  bool Wants(common::Instant now, bool may_begin) override;
  Endpoint endpoint() const override;
  PageQuery Next(common::Instant now, bool may_begin) override;
  common::Status OnResponse(std::uint32_t index, const HttpResponse& response,
                            common::Instant now) override;
  std::vector<RefusedEvent> TakeRefused() override;
  common::Instant NextAt() const override;

  bool BatchDue(common::Instant now) const override;
  store::UnitBatch TakeBatch();
  StoreCommand TakeCommand(StreamId stream, common::Instant) override {
    return WriteUnits{stream, TakeBatch()};
  }
  void OnWritten(const store::Receipt& receipt) override;
  void OnRefused(const common::Error& error, common::Instant now) override;

  std::vector<common::WalletId> GiveBack() override;
  void Stop() override { stopped_ = true; }

  bool fenced() const override { return book_.fenced(); }
  bool quiet() const override { return batch_.units.empty() && book_.all_answered(); }
  bool stored() const override { return quiet() && queue_.open() == 0; }
  bool finished() const override { return stored() && desk_.Settled(newest_token_); }
  bool stopped() const override { return stopped_; }
  const std::vector<WalletOutcome>& outcomes() const override { return book_.outcomes(); }

  std::uint32_t begun() const override { return queue_.begun(); }
  std::uint32_t waiting() const override { return queue_.waiting(); }
  std::uint32_t ready(Endpoint endpoint) const override;
  std::uint32_t parts_done() const override { return book_.parts_done(); }
  std::uint64_t rows_stored() const override { return book_.rows_stored(); }
  std::uint64_t retries() const override { return queue_.retries(); }
  std::size_t unwritten_rows() const override {
    return book_.unwritten_rows() + batch_.rows.size();
  }
  std::vector<common::WalletId> in_flight() const override;

 private:
  struct Unit {
    UnitTask task;
    std::unique_ptr<UnitWalk> walk;      // while it is under way
    std::optional<HttpRequest> request;  // while it is ready
    bool restarted = false;
    bool moved = false;                   // in this lease
    bool is_answered = false;             // the upstream itself has answered
    std::optional<std::size_t> progress;  // its place in the open batch
  };

  bool LearnHorizon(common::Instant now);
  void FailAllIdle(const std::string& reason, common::Instant now);
  void Begin(std::uint32_t index, common::Instant now);
  void MakeReady(std::uint32_t index);
  std::optional<std::uint32_t> NextReady() const;
  void Accept(std::uint32_t index, UnitStep step, common::Instant now);
  void TryAgain(std::uint32_t index, const common::Error& error, common::Instant now);
  bool Restart(std::uint32_t index);
  void Fail(std::uint32_t index, WalletOutcome::Kind kind, const std::string& reason,
            common::Instant now);
  void End(std::uint32_t index, WalletOutcome::Kind kind, std::string reason);
  void Close(std::uint32_t index);
  void Settle(const std::vector<std::uint32_t>& settling,
              const std::vector<store::BrokenSpan>& broken);
  store::UnitProgress& ProgressOf(std::uint32_t index, common::Instant now);
  void ResetBatch();

  // Constant after construction; `units` is moved out of the task.
  ChunkTask task_;
  const WalkMaker make_walk_;
  const UnitLimits limits_;
  Horizon* const horizon_;
  TokenDesk& desk_;

  std::vector<Unit> units_;
  WalkQueue queue_;  // of the units, in their order
  EndpointSet held_back_;
  common::UnixSeconds known_to_ = 0;  // the horizon
  bool does_without_ = false;         // the horizon has failed, and nobody waits until it is back
  bool stopped_ = false;

  store::UnitBatch batch_;
  std::vector<std::uint32_t> settling_in_batch_;
  std::deque<std::vector<std::uint32_t>> settling_;  // for each batch that is sent
  BatchBook book_;
  std::vector<RefusedEvent> refused_;
  TokenDesk::Number newest_token_ = 0;
};

}  // namespace worker::jobs
