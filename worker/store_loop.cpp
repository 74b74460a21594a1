#include "worker/store_loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/check.h"
#include "common/failpoint.h"
#include "common/logging.h"

namespace worker {
namespace {

using common::Duration;
using common::Error;
using common::ErrorKind;
using common::Instant;
using common::Result;

// Reports are small, and the network loop takes them out at every turn.
constexpr std::size_t kReports = 4096;
constexpr Duration kIdle = std::chrono::milliseconds(500);
constexpr Duration kPauseStep = std::chrono::milliseconds(20);
// How fast the latency that is told follows the last one.
constexpr std::uint32_t kLatencyWeight = 4;

}  // namespace

StoreLoop::StoreLoop(store::TradeStore& store, Checkpoint& checkpoint, const common::Clock& clock,
                     std::uint64_t seed, common::BackoffPolicy retry)
    : store_(store),
      checkpoint_(checkpoint),
      clock_(clock),
      retry_(retry),
      commands_(kCommands),
      reports_(kReports),
      random_(seed) {}

StoreLoop::~StoreLoop() {
  stopping_ = true;
  commands_.Close();
  if (thread_.joinable()) thread_.join();
}

void StoreLoop::Start() {
  CHECK(!thread_.joinable());
  ended_ = false;
  thread_ = std::thread([this] { Run(); });
}

bool StoreLoop::Stop(Duration patience) {
  stopping_ = true;
  commands_.Close();
  const Instant until = clock_.Now() + patience;
  while (!ended_ && clock_.Now() < until) std::this_thread::sleep_for(kPauseStep / 4);
  if (!ended_) return false;
  if (thread_.joinable()) thread_.join();
  return true;
}

bool StoreLoop::Offer(StoreCommand& command) {
  if (commands_.size() >= commands_.capacity()) return false;
  return commands_.TryPush(std::move(command));
}

void StoreLoop::Run() {
  while (!stopping_) {
    auto command = commands_.WaitPop(kIdle);
    while (command && !stopping_) {
      Handle(std::move(*command));
      if (held_back_.size() >= kGroup) Settle();
      command = commands_.TryPop();
    }
    Settle();
  }
  Settle();
  ended_ = true;
}

void StoreLoop::Handle(StoreCommand command) {
  std::visit([this](auto& body) { Handle(std::move(body)); }, command);
}

template <typename T>
std::optional<Result<T>> StoreLoop::Insist(const std::function<Result<T>()>& call) {
  common::Backoff backoff(retry_);
  while (true) {
    const Instant begun = clock_.Now();
    Result<T> result = call();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Now() - begun);
    const auto took_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, took.count()));
    const std::uint32_t before = latency_ms_;
    latency_ms_ = (before * (kLatencyWeight - 1) + took_ms) / kLatencyWeight;
    if (result || result.error().kind != ErrorKind::kTransient) {
      if (result) TellAway({});
      return result;
    }
    ++retries_;
    TellAway(result.error().message);
    // What is committed already must not wait for a database that is away.
    Settle();
    if (!Pause(backoff.Next(random_))) return std::nullopt;
  }
}

template <typename Command>
std::optional<BatchWritten> StoreLoop::Write(const Command& command,
                                             const std::function<Result<store::Receipt>()>& call) {
  BatchWritten report{command.stream, {}, {}};
  if (broken_.contains(command.stream)) {
    report.refused = Error{ErrorKind::kRejected, "an earlier batch of the chunk was refused"};
    return report;
  }
  common::Failpoint("before_commit");
  const auto result = Insist<store::Receipt>(call);
  if (!result) return std::nullopt;
  if (!*result) {
    broken_.insert(command.stream);
    report.refused = result->error();
    common::LogError("batch_refused", {{"chunk", command.batch.chunk},
                                       {"rows", command.batch.rows.size()},
                                       {"reason", result->error().message}});
    return report;
  }
  common::Failpoint("after_commit");
  report.receipt = **result;
  return report;
}

void StoreLoop::Handle(WriteBatch write) {
  auto report = Write(write, [&] { return store_.Write(write.batch); });
  if (!report) return;
  rows_stored_ += report->receipt.stored;
  if (!report->refused && !report->receipt.fenced) {
    for (store::WalletProgress& progress : write.batch.wallets) {
      if (!progress.cursor || report->receipt.Contradicts(progress.wallet)) continue;
      marks_.push_back({write.batch.run, write.batch.chunk, write.batch.epoch, progress.wallet,
                        progress.state, std::move(*progress.cursor)});
    }
  }
  held_back_.push_back(std::move(*report));
}

// Units have no marks in the checkpoint file: their positions are read from the database alone.
void StoreLoop::Handle(WriteUnits write) {
  auto report = Write(write, [&] { return store_.WriteUnits(write.batch); });
  if (!report) return;
  if (write.batch.kind == "range") rows_stored_ += report->receipt.stored;
  held_back_.push_back(std::move(*report));
}

void StoreLoop::Settle() {
  if (!marks_.empty()) {
    common::Failpoint("before_checkpoint_append");
    const common::Status noted = checkpoint_.Append(marks_);
    common::Failpoint("after_checkpoint_append");
    marks_.clear();
    // The file is a cache: a disk that is full costs its warmth, not the work.
    if (!noted && !checkpoint_failed_) {
      common::LogWarning("checkpoint_not_written", {{"reason", noted.error().message}});
    }
    checkpoint_failed_ = !noted;
  }
  for (BatchWritten& report : held_back_) Report(std::move(report));
  held_back_.clear();
}

// A market that is refused keeps no other one out: the list is halved until it is alone.
bool StoreLoop::StoreMarkets(const std::vector<store::MarketInfo>& markets) {
  const auto result = Insist<common::Done>([&] { return store_.WriteMarkets(markets); });
  if (!result) return false;
  if (*result) return true;
  if (markets.size() <= 1) {
    common::LogWarning("market_refused", {{"market", markets.empty() ? "" : markets.front().slug},
                                          {"reason", result->error().message}});
    return true;
  }
  const auto half = markets.begin() + static_cast<std::ptrdiff_t>(markets.size() / 2);
  return StoreMarkets({markets.begin(), half}) && StoreMarkets({half, markets.end()});
}

void StoreLoop::Handle(WriteMarkets write) {
  if (StoreMarkets(write.markets)) Report(TokensSettled{std::move(write.tokens)});
}

void StoreLoop::Handle(NoteUnknown note) {
  const auto result = Insist<common::Done>([&] { return store_.NoteUnknown(note.tokens); });
  if (!result) return;
  if (!*result) {
    common::LogWarning("unknown_tokens_refused",
                       {{"tokens", note.tokens.size()}, {"reason", result->error().message}});
  }
  Report(TokensSettled{std::move(note.tokens)});
}

void StoreLoop::Handle(CheckTokens check) {
  using Tokens = std::vector<common::TokenId>;
  auto result = Insist<Tokens>([&] { return store_.Unresolved(check.tokens); });
  if (!result) return;
  TokensChecked report{std::move(check.tokens), {}};
  if (*result) {
    report.unresolved = std::move(**result);
  } else {
    common::LogWarning("tokens_unchecked", {{"reason", result->error().message}});
  }
  Report(std::move(report));
}

void StoreLoop::Handle(TakeDueTokens take) {
  using Tokens = std::vector<common::TokenId>;
  auto result = Insist<Tokens>([&] { return store_.TakeDueTokens(take.limit); });
  if (result && *result && !(*result)->empty()) Report(TokensDue{std::move(**result)});
}

void StoreLoop::Handle(NoteTerm note) {
  const common::Status noted = checkpoint_.NoteTerm(note.term);
  if (!noted) common::LogWarning("term_not_written", {{"reason", noted.error().message}});
}

void StoreLoop::TellAway(const std::string& reason) {
  const bool away = !reason.empty();
  if (away == is_away_) return;
  is_away_ = away;
  if (away) {
    common::LogWarning("database_away", {{"reason", reason}});
  } else {
    common::LogInfo("database_back", {});
  }
  Report(DatabaseAway{reason});
}

void StoreLoop::Report(StoreReport report) {
  while (reports_.size() >= reports_.capacity()) {
    if (!Pause(kPauseStep)) return;
  }
  const bool pushed = reports_.TryPush(std::move(report));
  CHECK(pushed);
}

// False: the loop is to stop.
bool StoreLoop::Pause(Duration time) {
  const Instant until = clock_.Now() + time;
  while (!stopping_ && clock_.Now() < until) {
    std::this_thread::sleep_for(std::min<Duration>(kPauseStep, until - clock_.Now()));
  }
  return !stopping_;
}

}  // namespace worker
