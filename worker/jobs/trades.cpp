#include "worker/jobs/trades.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "worker/jobs/ownership.h"
#include "worker/sources/answer.h"

namespace worker::jobs {

using common::Error;
using common::ErrorKind;
using common::Instant;
using common::Status;
using common::UnixSeconds;
using common::WalletId;

namespace {

// After a page of this many trades the batch will most likely be filled to the brim.
constexpr std::size_t kFullBatchLikely = 500;

}  // namespace

TradesJob::TradesJob(ChunkTask task, Horizon& horizon, TokenDesk& desk, const TradesLimits& limits,
                     std::uint64_t seed)
    : lease_(task.lease),
      run_(task.run),
      limits_(limits),
      horizon_(horizon),
      source_(horizon.source()),
      desk_(desk),
      endpoint_(source_.PageRequest({}, {source_.id(), 1, 0, {}}, 1).endpoint),
      queue_(task.wallets.size(), limits.backoff, limits.tries, seed),
      book_(limits.batch_age) {
  wallets_.reserve(task.wallets.size());
  for (WalletTask& wallet : task.wallets) {
    wallets_.emplace_back();
    wallets_.back().task = std::move(wallet);
  }
  ResetBatch();
}

// --- Asking ------------------------------------------------------------------------------------

bool TradesJob::Wants(Instant now, bool may_begin) {
  if (stopped_ || book_.fenced() || held_back_) return false;
  for (const std::uint32_t index : queue_.Wake(now)) queue_.MakeReady(index);
  const bool can_begin = may_begin && queue_.waiting() > 0;
  if (queue_.ready().empty() && !can_begin) return false;
  const auto horizon = horizon_.Get(now);
  if (!horizon) {
    FailAllIdle(horizon.error().message, now);
    return false;
  }
  if (!horizon->has_value()) return false;
  // A wallet with nothing to do ends as it begins, so look until one needs a request.
  while (queue_.ready().empty()) {
    const auto next = queue_.FirstWaiting();
    if (!next) return false;
    Begin(*next, now);
  }
  return true;
}

PageQuery TradesJob::Next(Instant now, bool may_begin) {
  CHECK(Wants(now, may_begin));
  const std::uint32_t index = queue_.ready().front();
  queue_.Ask(index);
  Wallet& wallet = wallets_[index];
  wallet.horizon = horizon_.Get(now).value().value();
  if (wallet.last_second) wallet.horizon = std::min(wallet.horizon, *wallet.last_second);
  return {index, wallet.task.id,
          source_.PageRequest(wallet.task.address, wallet.cursor, wallet.horizon)};
}

void TradesJob::Begin(std::uint32_t index, Instant now) {
  Wallet& wallet = wallets_[index];
  const WalkStart start = BeginWalk(source_.id(), wallet.task.cursors, wallet.task.has_trades);
  wallet.cursor = start.cursor;
  wallet.last_second = start.last_second;
  wallet.takes_over = start.takes_over;
  wallet.told_at = now;
  queue_.Begin(index);
  if (!start.refusal.empty()) {
    Fail(index, WalletOutcome::Kind::kRejected, start.refusal, now);
  } else if (start.nothing_to_do) {
    ProgressOf(index, now).state = store::WalletState::kCompleted;
    EndWallet(index, WalletOutcome::Kind::kComplete, {});
  } else {
    queue_.MakeReady(index);
  }
}

Instant TradesJob::NextAt() const {
  return stopped_ ? book_.DueAt() : std::min(book_.DueAt(), queue_.WakeAt());
}

Status TradesJob::OnResponse(std::uint32_t index, const HttpResponse& response, Instant now) {
  CHECK(index < wallets_.size());
  Wallet& wallet = wallets_[index];
  // Ended meanwhile, by a lost lease or a refusing database: the answer is nobody's.
  if (queue_.stand(index) != WalkQueue::Stand::kAsking || stopped_ || book_.fenced()) {
    const auto failure = sources::FailureOf(response);
    return failure ? Status(*failure) : Status(common::Done{});
  }
  wallet.is_answered = wallet.is_answered || sources::IsOfTheUpstream(response);
  auto page = source_.ReadPage(wallet.task.address, wallet.cursor, wallet.horizon, response);
  if (page) {
    Accept(index, std::move(*page), now);
    return common::Done{};
  }
  const Error failed = page.error();
  if (failed.kind != ErrorKind::kRejected) {
    TryAgain(index, failed, now);
  } else if (!Restart(index)) {
    Fail(index, WalletOutcome::Kind::kRejected, failed.message, now);
  }
  return failed;
}

void TradesJob::TryAgain(std::uint32_t index, const Error& error, Instant now) {
  if (queue_.BackOff(index, now)) return;
  // A stored position that yields nothing in a whole lease may never yield anything again.
  const Wallet& wallet = wallets_[index];
  const bool is_stuck = wallet.is_answered && !wallet.moved && error.kind != ErrorKind::kThrottled;
  if (is_stuck && Restart(index)) return;
  Fail(index, WalletOutcome::Kind::kFailed, error.message, now);
}

// An upstream may refuse a position that it gave out long ago, or choke on it. The walk then begins
// anew, once: rows that it tells again have the keys that they had.
bool TradesJob::Restart(std::uint32_t index) {
  Wallet& wallet = wallets_[index];
  if (wallet.cursor.position.empty() || wallet.restarted) return false;
  wallet.restarted = true;
  wallet.cursor.position.clear();
  queue_.CountRestart(index);
  queue_.MakeReady(index);
  return true;
}

// --- Collecting --------------------------------------------------------------------------------

void TradesJob::Accept(std::uint32_t index, sources::Page page, Instant now) {
  Wallet& wallet = wallets_[index];
  if (!page.last && page.trades.empty() && page.next == wallet.cursor) {
    return TryAgain(index, {ErrorKind::kTransient, "a page without progress"}, now);
  }
  // It has told trades in this lease and began anew. What is stored of others, the store knows.
  if (page.nothing_since && wallet.moved) {
    return TryAgain(index, {ErrorKind::kTransient, store::kContradiction}, now);
  }
  queue_.NoteSuccess(index);
  wallet.moved = true;
  for (sources::TokenHint& hint : page.hints) {
    if (desk_.Saw(hint.token, newest_token_)) batch_.hints.push_back(std::move(hint));
  }
  store::WalletProgress& progress = ProgressOf(index, now);
  progress.processed += page.trades.size();
  progress.nothing_since = page.nothing_since;
  if (batch_.rows.empty() && page.trades.size() > kFullBatchLikely) {
    batch_.rows.reserve(limits_.batch_rows + page.trades.size());
  }
  for (const common::Trade& trade : page.trades) {
    progress.last_trade_ts = std::max(progress.last_trade_ts, trade.ts);
    batch_.rows.push_back({wallet.task.id, trade});
  }
  wallet.cursor = std::move(page.next);
  progress.cursor = wallet.cursor;
  if (std::exchange(wallet.takes_over, false)) progress.takes_over = true;
  for (std::string& evidence : page.refused) {
    refused_.push_back({wallet.task.id, std::move(evidence)});
  }
  if (page.last) {
    const std::string shortfall = ShortfallOf(wallet, page);
    if (shortfall.empty()) {
      progress.state = store::WalletState::kCompleted;
      EndWallet(index, WalletOutcome::Kind::kComplete, {});
    } else {
      // All that can be had is stored, and asking again at once would tell the same.
      Fail(index, WalletOutcome::Kind::kRejected, shortfall, now);
    }
  } else {
    queue_.MakeReady(index);
  }
}

// Why a walk that is over did not make its wallet complete; empty: it did. Where another source
// owns what follows, a source that stopped later has still told all of its part.
std::string TradesJob::ShortfallOf(const Wallet& wallet, const sources::Page& page) const {
  if (!page.shortfall.empty()) return page.shortfall;
  if (wallet.last_second && wallet.horizon == *wallet.last_second) return {};
  return source_.Shortfall(wallet.horizon);
}

std::vector<RefusedEvent> TradesJob::TakeRefused() {
  return std::exchange(refused_, {});
}

store::WalletProgress& TradesJob::ProgressOf(std::uint32_t index, Instant now) {
  Wallet& wallet = wallets_[index];
  if (!wallet.progress) {
    wallet.progress = batch_.wallets.size();
    batch_.wallets.emplace_back();
    batch_.wallets.back().wallet = wallet.task.id;
    book_.Open(now);
  }
  store::WalletProgress& progress = batch_.wallets[*wallet.progress];
  progress.duration_ms +=
      std::chrono::duration_cast<std::chrono::milliseconds>(now - wallet.told_at).count();
  wallet.told_at = now;
  return progress;
}

void TradesJob::Fail(std::uint32_t index, WalletOutcome::Kind kind, const std::string& reason,
                     Instant now) {
  store::WalletProgress& progress = ProgressOf(index, now);
  progress.state = store::WalletState::kFailed;
  progress.error = reason;
  EndWallet(index, kind, reason);
}

void TradesJob::FailAllIdle(const std::string& reason, Instant now) {
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    const WalkQueue::Stand stand = queue_.stand(index);
    if (stand == WalkQueue::Stand::kWaiting) wallets_[index].told_at = now;
    if (stand == WalkQueue::Stand::kWaiting || stand == WalkQueue::Stand::kReady ||
        stand == WalkQueue::Stand::kBackingOff) {
      Fail(index, WalletOutcome::Kind::kFailed, reason, now);
    }
  }
}

void TradesJob::EndWallet(std::uint32_t index, WalletOutcome::Kind kind, std::string reason) {
  Wallet& wallet = wallets_[index];
  queue_.End(index);
  wallet.cursor.position = {};
  wallet.task.cursors = {};
  book_.End({wallet.task.id, kind, std::move(reason)});
}

// --- Storing -----------------------------------------------------------------------------------

void TradesJob::ResetBatch() {
  batch_ = {};
  batch_.run = run_;
  batch_.chunk = lease_.chunk;
  batch_.epoch = lease_.epoch;
}

bool TradesJob::BatchDue(Instant now) const {
  if (book_.fenced() || batch_.wallets.empty()) return false;
  return batch_.rows.size() >= limits_.batch_rows || now >= book_.DueAt() || queue_.open() == 0 ||
         stopped_;
}

store::Batch TradesJob::TakeBatch(Instant) {
  CHECK(!batch_.wallets.empty());
  book_.Send(batch_.rows.size());
  for (Wallet& wallet : wallets_) wallet.progress.reset();
  store::Batch taken = std::move(batch_);
  ResetBatch();
  return taken;
}

void TradesJob::OnWritten(const store::Receipt& receipt) {
  if (!book_.OnWritten(receipt)) ResetBatch();
}

void TradesJob::OnRefused(const Error& error, Instant now) {
  const bool goes_on = book_.OnRefused(error.message, queue_.open() == 0);
  ResetBatch();
  if (!goes_on) return;
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    Wallet& wallet = wallets_[index];
    const WalkQueue::Stand stand = queue_.stand(index);
    wallet.progress.reset();
    if (stand == WalkQueue::Stand::kGivenBack || book_.IsStored(wallet.task.id)) continue;
    if (stand == WalkQueue::Stand::kWaiting) wallet.told_at = now;
    if (stand == WalkQueue::Stand::kEnded) queue_.Reopen(index);
    Fail(index, WalletOutcome::Kind::kSuspect, error.message, now);
  }
}

// --- Giving back -------------------------------------------------------------------------------

std::vector<WalletId> TradesJob::GiveBack() {
  std::vector<WalletId> given;
  for (const std::uint32_t index : queue_.GiveBack()) given.push_back(wallets_[index].task.id);
  return given;
}

std::vector<WalletId> TradesJob::in_flight() const {
  std::vector<WalletId> ids;
  for (std::uint32_t index = 0; index < queue_.size(); ++index) {
    if (queue_.IsUnderWay(index)) ids.push_back(wallets_[index].task.id);
  }
  return ids;
}

}  // namespace worker::jobs
