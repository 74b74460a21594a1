// The books of a job: since when its batch is open, which batches are on their way to the store,
// how its parts ended, and how much of all that is stored.
//
// Batches are answered in the order in which they were sent, so what is stored is always a prefix
// of the outcomes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "worker/chunk.h"
#include "worker/store/trade_store.h"

namespace worker::jobs {

class BatchBook {
 public:
  explicit BatchBook(common::Duration batch_age) : batch_age_(batch_age) {}

  // --- The open batch.
  void Open(common::Instant now) {
    if (!since_) since_ = now;
  }
  // When it is to be sent, whatever its size.
  common::Instant DueAt() const { return since_ ? *since_ + batch_age_ : common::Instant::max(); }
  void End(WalletOutcome outcome);
  void Send(std::size_t rows);
  // What is in it is not to be stored.
  void Drop();

  // --- The batches on their way.
  // Whom the store contradicts has failed. False: the lease is lost. REQUIRES: one was sent that is
  // not answered.
  bool OnWritten(const store::Receipt& receipt);
  // Of a part whose last batch was answered just now, and said no more of it.
  void EndStored(WalletOutcome outcome);
  // The database will never take them: what ended in them has not. False: it has refused with this
  // reason before, and `all_ended`; the outcomes stand as they are.
  bool OnRefused(const std::string& reason, bool all_ended);

  bool fenced() const { return fenced_; }
  bool all_answered() const { return sent_.empty(); }
  std::size_t unwritten_rows() const { return unwritten_rows_; }

  const std::vector<WalletOutcome>& outcomes() const { return outcomes_; }
  bool IsStored(common::WalletId part) const;
  std::uint32_t parts_done() const { return parts_done_; }
  std::uint64_t rows_stored() const { return rows_stored_; }

 private:
  struct SentBatch {
    std::size_t rows = 0;
    std::uint32_t ended = 0;  // parts whose last word is in it
  };

  const common::Duration batch_age_;
  std::optional<common::Instant> since_;
  std::uint32_t ended_ = 0;  // in the open batch
  std::deque<SentBatch> sent_;
  std::size_t unwritten_rows_ = 0;  // in sent_
  bool fenced_ = false;
  std::vector<WalletOutcome> outcomes_;
  std::uint32_t parts_done_ = 0;  // the first so many outcomes are stored
  std::uint64_t rows_stored_ = 0;
};

}  // namespace worker::jobs
