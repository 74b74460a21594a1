#include "worker/jobs/units.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "worker/sources/answer.h"

namespace worker::jobs {

using common::Error;
using common::ErrorKind;
using common::Instant;
using common::Status;
using common::WalletId;

namespace {

// With so many units under way that may not ask, another one is not begun.
constexpr std::size_t kMostHeldBack = 4;

}  // namespace

UnitJob::UnitJob(ChunkTask task, WalkMaker make_walk, Horizon* horizon, TokenDesk& desk,
                 const UnitLimits& limits, std::uint64_t seed)
    : task_(std::move(task)),
      make_walk_(std::move(make_walk)),
      limits_(limits),
      horizon_(horizon),
      desk_(desk),
      queue_(task_.units.size(), limits.backoff, limits.tries, seed),
      book_(limits.batch_age) {
  units_.reserve(task_.units.size());
  for (UnitTask& unit : task_.units) {
    units_.emplace_back();
    units_.back().task = std::move(unit);
  }
  task_.units.clear();
  ResetBatch();
}

// --- Asking ------------------------------------------------------------------------------------

bool UnitJob::Wants(Instant now, bool may_begin) {
  if (stopped_ || book_.fenced()) return false;
  for (const std::uint32_t index : queue_.Wake(now)) MakeReady(index);
  const std::size_t ready = queue_.ready().size();
  may_begin = may_begin && ready < kMostHeldBack;
  if (ready == 0 && !(may_begin && queue_.waiting() > 0)) return false;
  if (!LearnHorizon(now)) return false;
  if (may_begin && !NextReady()) {
    // A unit that cannot be begun ends at once, so look until one needs a request.
    while (queue_.ready().size() == ready) {
      const auto next = queue_.FirstWaiting();
      if (!next) return false;
      Begin(*next, now);
    }
  }
  return NextReady().has_value();
}

// The oldest one that may ask.
std::optional<std::uint32_t> UnitJob::NextReady() const {
  const auto next = std::ranges::find_if(queue_.ready(), [this](std::uint32_t index) {
    return !held_back_.test(static_cast<std::size_t>(units_[index].request->endpoint));
  });
  if (next == queue_.ready().end()) return std::nullopt;
  return *next;
}

std::uint32_t UnitJob::ready(Endpoint endpoint) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(queue_.ready(), [&](std::uint32_t index) {
    return units_[index].request->endpoint == endpoint;
  }));
}

// True: nothing keeps the next request from being made.
bool UnitJob::LearnHorizon(Instant now) {
  if (horizon_ == nullptr) return true;
  const auto horizon = horizon_->Get(now);
  if (horizon && horizon->has_value()) {
    known_to_ = **horizon;
    does_without_ = false;
    return true;
  }
  if (!horizon && task_.kind == "holders") does_without_ = true;
  if (does_without_) {
    known_to_ = 0;  // Wallets are found all the same; the feeds will be read again.
    return true;
  }
  if (!horizon) FailAllIdle(horizon.error().message, now);
  return false;
}

void UnitJob::FailAllIdle(const std::string& reason, Instant now) {
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    const WalkQueue::Stand stand = queue_.stand(index);
    if (stand == WalkQueue::Stand::kWaiting || stand == WalkQueue::Stand::kReady ||
        stand == WalkQueue::Stand::kBackingOff) {
      Fail(index, WalletOutcome::Kind::kFailed, reason, now);
    }
  }
}

Endpoint UnitJob::endpoint() const {
  const auto next = NextReady();
  CHECK(next.has_value());
  return units_[*next].request->endpoint;
}

PageQuery UnitJob::Next(Instant now, bool may_begin) {
  CHECK(Wants(now, may_begin));
  const std::uint32_t index = *NextReady();
  queue_.Ask(index);
  Unit& unit = units_[index];
  return {index, unit.task.id, *std::exchange(unit.request, std::nullopt)};
}

void UnitJob::Begin(std::uint32_t index, Instant now) {
  Unit& unit = units_[index];
  auto walk = make_walk_(task_, unit.task);
  queue_.Begin(index);
  if (!walk) return Fail(index, WalletOutcome::Kind::kRejected, walk.error().message, now);
  unit.walk = std::move(*walk);
  MakeReady(index);
}

void UnitJob::MakeReady(std::uint32_t index) {
  Unit& unit = units_[index];
  unit.walk->KnowHorizon(known_to_);
  unit.request = unit.walk->Next();
  queue_.MakeReady(index);
}

Instant UnitJob::NextAt() const {
  return stopped_ ? book_.DueAt() : std::min(book_.DueAt(), queue_.WakeAt());
}

Status UnitJob::OnResponse(std::uint32_t index, const HttpResponse& response, Instant now) {
  CHECK(index < units_.size());
  Unit& unit = units_[index];
  // Ended meanwhile, by a lost lease or a refusing database: the answer is nobody's.
  if (queue_.stand(index) != WalkQueue::Stand::kAsking || stopped_ || book_.fenced()) {
    const auto failure = sources::FailureOf(response);
    return failure ? Status(*failure) : Status(common::Done{});
  }
  unit.is_answered = unit.is_answered || sources::IsOfTheUpstream(response);
  auto step = unit.walk->OnResponse(response);
  if (step) {
    Accept(index, std::move(*step), now);
    return common::Done{};
  }
  const Error failed = step.error();
  if (failed.kind != ErrorKind::kRejected) {
    TryAgain(index, failed, now);
  } else if (!Restart(index)) {
    Fail(index, WalletOutcome::Kind::kRejected, failed.message, now);
  }
  return failed;
}

void UnitJob::TryAgain(std::uint32_t index, const Error& error, Instant now) {
  if (queue_.BackOff(index, now)) return;
  // A stored position that yields nothing in a whole lease may never yield anything again. Ranges
  // reckon their positions themselves.
  const Unit& unit = units_[index];
  const bool is_stuck = unit.is_answered && !unit.moved && error.kind != ErrorKind::kThrottled;
  if (is_stuck && task_.kind != "range" && Restart(index)) return;
  Fail(index, WalletOutcome::Kind::kFailed, error.message, now);
}

bool UnitJob::Restart(std::uint32_t index) {
  Unit& unit = units_[index];
  if (unit.restarted || !unit.walk->Restart()) return false;
  unit.restarted = true;
  queue_.CountRestart(index);
  MakeReady(index);
  return true;
}

// --- Collecting --------------------------------------------------------------------------------

void UnitJob::Accept(std::uint32_t index, UnitStep step, Instant now) {
  Unit& unit = units_[index];
  queue_.NoteSuccess(index);
  if (step.midway) return MakeReady(index);
  unit.moved = true;
  std::erase_if(step.rows.hints, [this](const sources::TokenHint& hint) {
    return !desk_.Saw(hint.token, newest_token_);
  });
  store::UnitProgress& progress = ProgressOf(index, now);
  progress.rows += step.told;
  progress.position = std::move(step.position);
  progress.complete_to = std::max(progress.complete_to, step.complete_to);
  if (step.begins_at != 0) progress.begins_at = step.begins_at;
  progress.reached = std::max(progress.reached, step.reached);
  batch_.rows.Append(std::move(step.rows));
  for (std::string& evidence : step.refused) {
    refused_.push_back({unit.task.id, std::move(evidence)});
  }
  if (!step.done) return MakeReady(index);
  if (step.shortfall.empty() && step.span) {
    progress.state = store::WalletState::kCompleted;
    progress.span = step.span;
    queue_.Settle(index);
    settling_in_batch_.push_back(index);
  } else if (step.shortfall.empty()) {
    progress.state = store::WalletState::kCompleted;
    End(index, WalletOutcome::Kind::kComplete, {});
  } else {
    // All that can be had is stored, and asking again at once would tell the same.
    Fail(index, WalletOutcome::Kind::kRejected, step.shortfall, now);
  }
}

std::vector<RefusedEvent> UnitJob::TakeRefused() {
  return std::exchange(refused_, {});
}

store::UnitProgress& UnitJob::ProgressOf(std::uint32_t index, Instant now) {
  Unit& unit = units_[index];
  if (!unit.progress) {
    unit.progress = batch_.units.size();
    batch_.units.emplace_back();
    batch_.units.back().unit = unit.task.id;
    book_.Open(now);
  }
  return batch_.units[*unit.progress];
}

void UnitJob::Fail(std::uint32_t index, WalletOutcome::Kind kind, const std::string& reason,
                   Instant now) {
  store::UnitProgress& progress = ProgressOf(index, now);
  progress.state = store::WalletState::kFailed;
  progress.error = reason;
  End(index, kind, reason);
}

void UnitJob::End(std::uint32_t index, WalletOutcome::Kind kind, std::string reason) {
  Close(index);
  book_.End({units_[index].task.id, kind, std::move(reason)});
}

void UnitJob::Close(std::uint32_t index) {
  Unit& unit = units_[index];
  queue_.End(index);
  unit.walk.reset();
  unit.request.reset();
}

// --- Storing -----------------------------------------------------------------------------------

void UnitJob::ResetBatch() {
  batch_ = {};
  batch_.run = task_.run;
  batch_.chunk = task_.lease.chunk;
  batch_.epoch = task_.lease.epoch;
  batch_.kind = task_.kind;
  settling_in_batch_.clear();
}

bool UnitJob::BatchDue(Instant now) const {
  if (book_.fenced() || batch_.units.empty()) return false;
  const std::size_t trades = batch_.rows.trades.size();
  return trades >= limits_.batch_trades || batch_.rows.size() - trades >= limits_.batch_others ||
         now >= book_.DueAt() || queue_.open() == settling_in_batch_.size() || stopped_;
}

store::UnitBatch UnitJob::TakeBatch() {
  CHECK(!batch_.units.empty());
  book_.Send(batch_.rows.size());
  settling_.push_back(std::move(settling_in_batch_));
  for (Unit& unit : units_) unit.progress.reset();
  store::UnitBatch taken = std::move(batch_);
  ResetBatch();
  return taken;
}

void UnitJob::OnWritten(const store::Receipt& receipt) {
  CHECK(!settling_.empty());
  const std::vector<std::uint32_t> settling = std::move(settling_.front());
  settling_.pop_front();
  if (!book_.OnWritten(receipt)) return ResetBatch();
  Settle(settling, receipt.broken);
}

// Units that said they were done: they are, unless what they told does not join.
void UnitJob::Settle(const std::vector<std::uint32_t>& settling,
                     const std::vector<store::BrokenSpan>& broken) {
  for (const std::uint32_t index : settling) {
    Unit& unit = units_[index];
    const auto found = std::ranges::find(broken, unit.task.id, &store::BrokenSpan::unit);
    if (found != broken.end()) {
      queue_.CountRetry();
      unit.walk->GoBack(*found);
      MakeReady(index);
      continue;
    }
    Close(index);
    book_.EndStored({unit.task.id, WalletOutcome::Kind::kComplete, {}});
  }
}

void UnitJob::OnRefused(const Error& error, Instant now) {
  const bool goes_on = book_.OnRefused(error.message, queue_.open() == 0);
  settling_.clear();
  ResetBatch();
  if (!goes_on) return;
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    Unit& unit = units_[index];
    const WalkQueue::Stand stand = queue_.stand(index);
    unit.progress.reset();
    if (stand == WalkQueue::Stand::kGivenBack || book_.IsStored(unit.task.id)) continue;
    if (stand == WalkQueue::Stand::kEnded) queue_.Reopen(index);
    Fail(index, WalletOutcome::Kind::kSuspect, error.message, now);
  }
}

// --- Giving back -------------------------------------------------------------------------------

std::vector<WalletId> UnitJob::GiveBack() {
  std::vector<WalletId> given;
  for (const std::uint32_t index : queue_.GiveBack()) given.push_back(units_[index].task.id);
  return given;
}

std::vector<WalletId> UnitJob::in_flight() const {
  std::vector<WalletId> ids;
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    if (queue_.IsUnderWay(index)) ids.push_back(units_[index].task.id);
  }
  return ids;
}

}  // namespace worker::jobs
