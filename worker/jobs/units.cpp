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
      random_(seed),
      open_units_(static_cast<std::uint32_t>(task_.units.size())),
      book_(limits.batch_age) {
  units_.reserve(task_.units.size());
  for (UnitTask& unit : task_.units) {
    units_.emplace_back();
    units_.back().task = std::move(unit);
    units_.back().backoff = common::Backoff(limits.backoff);
  }
  task_.units.clear();
  ResetBatch();
}

// --- Asking ------------------------------------------------------------------------------------

bool UnitJob::Wants(Instant now, bool may_begin) {
  if (stopped_ || book_.fenced()) return false;
  WakeBackedOff(now);
  SkipToWaiting();
  may_begin = may_begin && ready_.size() < kMostHeldBack;
  const bool can_begin = may_begin && next_waiting_ < units_.size();
  if (ready_.empty() && !can_begin) return false;
  if (!LearnHorizon(now)) return false;
  if (NextReady() == ready_.end() && may_begin) {
    // A unit that cannot be begun ends at once, so look until one needs a request.
    while (next_waiting_ < units_.size()) {
      if (Begin(next_waiting_, now)) break;
      SkipToWaiting();
    }
  }
  return NextReady() != ready_.end();
}

// The oldest one that may ask.
std::deque<std::uint32_t>::const_iterator UnitJob::NextReady() const {
  return std::ranges::find_if(ready_, [this](std::uint32_t index) {
    return !held_back_.test(static_cast<std::size_t>(units_[index].request->endpoint));
  });
}

std::uint32_t UnitJob::ready(Endpoint endpoint) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      ready_, [&](std::uint32_t index) { return units_[index].request->endpoint == endpoint; }));
}

// True: nothing keeps the next request from being made.
bool UnitJob::LearnHorizon(Instant now) {
  if (horizon_ == nullptr) return true;
  const auto horizon = horizon_->Get(now);
  if (!horizon) {
    FailAllIdle(horizon.error().message, now);
    return false;
  }
  if (!horizon->has_value()) return false;
  known_to_ = **horizon;
  return true;
}

void UnitJob::FailAllIdle(const std::string& reason, Instant now) {
  for (std::uint32_t index = 0; index < units_.size(); ++index) {
    const Stand stand = units_[index].stand;
    if (stand == Stand::kWaiting || stand == Stand::kReady || stand == Stand::kBackingOff) {
      Fail(index, WalletOutcome::Kind::kFailed, reason, now);
    }
  }
  ready_.clear();
  backing_off_.clear();
}

Endpoint UnitJob::endpoint() const {
  const auto next = NextReady();
  CHECK(next != ready_.end());
  return units_[*next].request->endpoint;
}

PageQuery UnitJob::Next(Instant now, bool may_begin) {
  CHECK(Wants(now, may_begin));
  const auto next = NextReady();
  const std::uint32_t index = *next;
  ready_.erase(next);
  Unit& unit = units_[index];
  unit.stand = Stand::kAsking;
  return {index, unit.task.id, *std::exchange(unit.request, std::nullopt)};
}

// True: its first request may be made. False: it cannot be done.
bool UnitJob::Begin(std::uint32_t index, Instant now) {
  Unit& unit = units_[index];
  auto walk = make_walk_(task_, unit.task);
  ++begun_;
  if (!walk) {
    unit.stand = Stand::kReady;
    Fail(index, WalletOutcome::Kind::kRejected, walk.error().message, now);
    return false;
  }
  unit.walk = std::move(*walk);
  MakeReady(index);
  return true;
}

void UnitJob::MakeReady(std::uint32_t index) {
  Unit& unit = units_[index];
  unit.stand = Stand::kReady;
  unit.walk->KnowHorizon(known_to_);
  unit.request = unit.walk->Next();
  ready_.push_back(index);
}

void UnitJob::SkipToWaiting() {
  while (next_waiting_ < units_.size() && units_[next_waiting_].stand != Stand::kWaiting) {
    ++next_waiting_;
  }
}

void UnitJob::WakeBackedOff(Instant now) {
  std::erase_if(backing_off_, [&](std::uint32_t index) {
    if (units_[index].stand != Stand::kBackingOff) return true;
    if (units_[index].ready_at > now) return false;
    MakeReady(index);
    return true;
  });
}

Instant UnitJob::NextAt() const {
  Instant next = book_.DueAt();
  if (stopped_) return next;
  for (const std::uint32_t index : backing_off_) next = std::min(next, units_[index].ready_at);
  return next;
}

Status UnitJob::OnResponse(std::uint32_t index, const HttpResponse& response, Instant now) {
  CHECK(index < units_.size());
  Unit& unit = units_[index];
  // Ended meanwhile, by a lost lease or a refusing database: the answer is nobody's.
  if (unit.stand != Stand::kAsking || stopped_ || book_.fenced()) {
    const auto failure = sources::FailureOf(response);
    return failure ? Status(*failure) : Status(common::Done{});
  }
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
  Unit& unit = units_[index];
  const common::Duration wait = unit.backoff.Next(random_);
  if (unit.backoff.failures() >= limits_.tries) {
    return Fail(index, WalletOutcome::Kind::kFailed, error.message, now);
  }
  ++retries_;
  unit.stand = Stand::kBackingOff;
  unit.ready_at = now + wait;
  backing_off_.push_back(index);
}

bool UnitJob::Restart(std::uint32_t index) {
  Unit& unit = units_[index];
  if (unit.restarted || !unit.walk->Restart()) return false;
  unit.restarted = true;
  ++retries_;
  MakeReady(index);
  return true;
}

// --- Collecting --------------------------------------------------------------------------------

void UnitJob::Accept(std::uint32_t index, UnitStep step, Instant now) {
  Unit& unit = units_[index];
  unit.backoff.Reset();
  if (step.midway) return MakeReady(index);
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
    unit.stand = Stand::kSettling;
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
  CHECK(unit.stand != Stand::kEnded && unit.stand != Stand::kGivenBack);
  if (unit.stand != Stand::kWaiting) --begun_;
  unit.stand = Stand::kEnded;
  unit.walk.reset();
  unit.request.reset();
  --open_units_;
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
  return batch_.rows.size() >= limits_.batch_rows || now >= book_.DueAt() ||
         open_units_ == settling_in_batch_.size() || stopped_;
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
      ++retries_;
      unit.walk->GoBack(*found);
      MakeReady(index);
      continue;
    }
    Close(index);
    book_.EndStored({unit.task.id, WalletOutcome::Kind::kComplete, {}});
  }
}

void UnitJob::OnRefused(const Error& error, Instant now) {
  const bool goes_on = book_.OnRefused(error.message, open_units_ == 0);
  settling_.clear();
  ResetBatch();
  if (!goes_on) return;
  ready_.clear();
  backing_off_.clear();
  for (std::uint32_t index = 0; index < units_.size(); ++index) {
    Unit& unit = units_[index];
    unit.progress.reset();
    if (unit.stand == Stand::kGivenBack || book_.IsStored(unit.task.id)) continue;
    if (unit.stand == Stand::kEnded) {
      ++open_units_;
      unit.stand = Stand::kWaiting;
    }
    Fail(index, WalletOutcome::Kind::kSuspect, error.message, now);
  }
}

// --- Giving back -------------------------------------------------------------------------------

std::vector<WalletId> UnitJob::GiveBack() {
  std::vector<WalletId> given;
  for (Unit& unit : units_) {
    if (unit.stand != Stand::kWaiting) continue;
    unit.stand = Stand::kGivenBack;
    --open_units_;
    given.push_back(unit.task.id);
  }
  return given;
}

std::uint32_t UnitJob::waiting() const {
  return static_cast<std::uint32_t>(
      std::count_if(units_.begin() + next_waiting_, units_.end(),
                    [](const Unit& unit) { return unit.stand == Stand::kWaiting; }));
}

std::vector<WalletId> UnitJob::in_flight() const {
  std::vector<WalletId> ids;
  for (const Unit& unit : units_) {
    if (unit.stand == Stand::kReady || unit.stand == Stand::kAsking ||
        unit.stand == Stand::kBackingOff) {
      ids.push_back(unit.task.id);
    }
  }
  return ids;
}

}  // namespace worker::jobs
