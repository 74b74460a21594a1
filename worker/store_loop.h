// The second thread: batches in, receipts out.
//
// A batch is committed, then noted in the checkpoint file, then reported, in this order. While the
// database is away the loop tries again for ever, says so, and takes nothing further. It decides
// nothing: what it writes is what it was mailed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <unordered_set>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/mailbox.h"
#include "common/pacing.h"
#include "common/random.h"
#include "worker/checkpoint.h"
#include "worker/store_mail.h"

namespace worker {

class StoreLoop {
 public:
  static constexpr std::size_t kCommands = 64;  // waiting in the mailbox
  static constexpr std::size_t kGroup = 8;      // batches to one sync of the checkpoint file

  // Borrows all of them; the store and the checkpoint belong to the loop's thread until Stop().
  StoreLoop(store::TradeStore& store, Checkpoint& checkpoint, const common::Clock& clock,
            std::uint64_t seed,
            common::BackoffPolicy retry = {std::chrono::milliseconds(100),
                                           std::chrono::seconds(5)});
  ~StoreLoop();
  StoreLoop(const StoreLoop&) = delete;
  StoreLoop& operator=(const StoreLoop&) = delete;

  void Start();
  // Drops what is not begun. False: the thread hangs in a call to the database that has not ended
  // within `patience`; the process can only exit.
  bool Stop(common::Duration patience);

  // --- For the network loop's thread.

  // False: no room now; the command is left as it was.
  bool Offer(StoreCommand& command);
  std::vector<StoreReport> Collect() { return reports_.Drain(); }
  int fd() const { return reports_.fd(); }  // readable while a report waits

  // --- For any thread.

  std::uint32_t latency_ms() const { return latency_ms_.load(std::memory_order_relaxed); }
  std::uint64_t rows_stored() const { return rows_stored_.load(std::memory_order_relaxed); }
  std::uint64_t database_retries() const { return retries_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void Handle(StoreCommand command);
  void Handle(WriteBatch write);
  void Handle(WriteUnits write);
  // False: it is time to end.
  bool StoreMarkets(const std::vector<store::MarketInfo>& markets);
  void Handle(WriteMarkets write);
  void Handle(NoteUnknown note);
  void Handle(CheckTokens check);
  void Handle(TakeDueTokens take);
  void Handle(NoteTerm note);
  // Writes a batch of either kind, unless its stream is broken; nothing when the loop is to stop.
  template <typename Command>
  std::optional<BatchWritten> Write(const Command& command,
                                    const std::function<common::Result<store::Receipt>()>& call);
  // Makes the checkpoint durable, then reports what was held back for it.
  void Settle();
  // Calls until the answer is not kTransient; nothing when the loop is to stop.
  template <typename T>
  std::optional<common::Result<T>> Insist(const std::function<common::Result<T>()>& call);
  void TellAway(const std::string& reason);
  void Report(StoreReport report);
  bool Pause(common::Duration time);

  store::TradeStore& store_;
  Checkpoint& checkpoint_;
  const common::Clock& clock_;
  const common::BackoffPolicy retry_;

  common::Mailbox<StoreCommand> commands_;
  common::Mailbox<StoreReport> reports_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{true};
  std::atomic<std::uint32_t> latency_ms_{0};
  std::atomic<std::uint64_t> rows_stored_{0};
  std::atomic<std::uint64_t> retries_{0};
  std::thread thread_;

  // The loop's own.
  common::Random random_;
  bool is_away_ = false;
  bool checkpoint_failed_ = false;
  std::unordered_set<StreamId> broken_;
  std::vector<WalletMark> marks_;        // committed, not yet in the file
  std::vector<BatchWritten> held_back_;  // until they are
};

}  // namespace worker
