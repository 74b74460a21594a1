// The network loop: waits in one place, drains what is ready, asks the cores, does what they say.
//
// One thread. It owns no state of the protocol and none of a wallet: those are in the session and
// the jobs. What it adds is the wiring: which answer belongs to whom, how many wallets are in
// flight, how many rows wait for the database.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/pacing.h"
#include "common/signals.h"
#include "proto/channel.h"
#include "worker/http.h"
#include "worker/jobs/horizon.h"
#include "worker/jobs/job.h"
#include "worker/jobs/trades.h"
#include "worker/jobs/units.h"
#include "worker/pace.h"
#include "worker/resolver.h"
#include "worker/session.h"
#include "worker/store_loop.h"
#include "worker/token_desk.h"

namespace worker {

struct WorkerLimits {
  std::uint32_t in_flight = 32;  // wallets under way
  jobs::TradesLimits trades;
  jobs::UnitLimits units;
  // Fetched, not committed: no more pages are asked for. One batch is written while the next one is
  // gathered.
  std::size_t unwritten_rows = 2 * trades.batch_rows;
  std::size_t unwritten_batches = 64;
};

// Everything is borrowed.
struct WorkerParts {
  const common::Clock& clock;
  common::Signals& signals;
  proto::ClientChannel& channel;
  HttpClient& http;
  // Waits until http or one of the descriptors has something, or the time is over.
  std::function<void(common::Duration, std::span<const int>)> wait;
  std::vector<const sources::TradeSource*> sources;
  Resolver& resolver;
  Session& session;
  Pace& pace;
  StoreLoop& store;
  // Of every kind of unit that this worker can do: empty, it does none.
  jobs::WalkMaker make_walk = {};
};

class Worker {
 public:
  Worker(WorkerParts parts, const WorkerLimits& limits, std::uint64_t seed);
  ~Worker();

  // Until the session ends it; returns the program's exit code.
  int Run();

 private:
  // A chunk that is worked on. Streams change when the database refuses a batch.
  struct Work {
    std::unique_ptr<jobs::Job> job;
    StreamId stream = 0;
    bool told_stored = false;
    bool urgent = false;
  };
  struct PageOf {
    StreamId work;
    std::uint32_t place;
  };
  struct HorizonOf {
    jobs::Horizon* horizon;
  };
  struct TokensOf {
    std::uint64_t ticket;
  };
  struct Asked {
    Endpoint endpoint;
    std::variant<PageOf, HorizonOf, TokensOf> who;
  };

  // --- One turn.
  void TakeSignals();
  void TakeMessages();
  void TakeAnswers();
  void TakeReports();
  void TickSession();
  void Settle();
  void StartRequests();
  void Wait();

  void Answer(const HttpResponse& response);
  common::Status AnswerTokens(const TokensOf& asked, const HttpResponse& response,
                              Endpoint endpoint);
  std::unique_ptr<jobs::Job> MakeJob(ChunkTask task);
  void RefuseSource(const ChunkTask& task);
  void OnBatchWritten(const BatchWritten& report);
  void SettleWork(Work& work);  // may end it
  bool MailBatches(Work& work);
  void Drop(const Lease& lease);
  void Mail(StoreCommand command);
  void FlushMail();

  void StartHorizons();
  void StartTokens();
  void StartPages();
  void Start(const HttpRequest& request, Asked asked);
  bool HasRoom() const;

  void Perform(SessionActions actions);
  void Do(SendMessage& action);
  void Do(OpenSocket& action);
  void Do(KeepTerm& action);
  void Do(SetRates& action);
  void Do(StartChunk& action);
  void Do(AbandonChunk& action);
  void Do(GiveBack& action);
  void Do(StopChunk& action);
  void Do(Exit& action);

  proto::Beat Vitals();
  void WakeBy(common::Instant at) { wake_at_ = std::min(wake_at_, at); }
  jobs::Horizon* HorizonFor(const std::string& source);

  WorkerParts parts_;
  const WorkerLimits limits_;
  common::Random random_;
  TokenDesk desk_;
  std::vector<std::unique_ptr<jobs::Horizon>> horizons_;
  std::map<std::uint64_t, Work> works_;  // oldest first
  std::uint64_t last_id_ = 0;            // of works and streams
  std::unordered_map<std::uint64_t, Asked> asked_;
  std::deque<StoreCommand> unmailed_;
  std::size_t unwritten_batches_ = 0;
  bool database_away_ = false;
  std::map<Endpoint, common::Instant> tokens_not_before_;
  common::Backoff tokens_backoff_;
  common::Instant flush_tokens_at_{};
  std::array<std::uint32_t, kEndpointCount> waiting_{};  // could start if the rate allowed
  std::uint64_t retries_done_ = 0;                       // of works that have ended
  // A wallet that kills this process: for tests of quarantine.
  std::string poison_;
  bool is_poisoned_ = false;
  common::WalletId poisoned_{};
  std::optional<common::Instant> poison_at_;
  common::Instant wake_at_{};
  common::Instant now_{};
  std::optional<Exit> exit_;
};

}  // namespace worker
