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
      random_(seed),
      open_wallets_(static_cast<std::uint32_t>(task.wallets.size())),
      book_(limits.batch_age) {
  wallets_.reserve(task.wallets.size());
  for (WalletTask& wallet : task.wallets) {
    wallets_.emplace_back();
    wallets_.back().task = std::move(wallet);
    wallets_.back().backoff = common::Backoff(limits.backoff);
  }
  ResetBatch();
}

// --- Asking ------------------------------------------------------------------------------------

bool TradesJob::Wants(Instant now, bool may_begin) {
  if (stopped_ || book_.fenced() || held_back_) return false;
  WakeBackedOff(now);
  SkipToWaiting();
  const bool can_begin = may_begin && next_waiting_ < wallets_.size();
  if (ready_.empty() && !can_begin) return false;
  const auto horizon = horizon_.Get(now);
  if (!horizon) {
    FailAllIdle(horizon.error().message, now);
    return false;
  }
  if (!horizon->has_value()) return false;
  // A wallet with nothing to do ends as it begins, so look until one needs a request.
  while (ready_.empty() && next_waiting_ < wallets_.size()) {
    if (Begin(next_waiting_, now)) return true;
    SkipToWaiting();
  }
  return !ready_.empty();
}

PageQuery TradesJob::Next(Instant now, bool may_begin) {
  CHECK(Wants(now, may_begin));
  const std::uint32_t index = ready_.front();
  ready_.pop_front();
  Wallet& wallet = wallets_[index];
  wallet.step = Step::kAsking;
  wallet.horizon = horizon_.Get(now).value().value();
  if (wallet.last_second) wallet.horizon = std::min(wallet.horizon, *wallet.last_second);
  return {index, wallet.task.id,
          source_.PageRequest(wallet.task.address, wallet.cursor, wallet.horizon)};
}

// True: its first page may be asked for. False: it had nothing to do.
bool TradesJob::Begin(std::uint32_t index, Instant now) {
  Wallet& wallet = wallets_[index];
  const WalkStart start = BeginWalk(source_.id(), wallet.task.cursors, wallet.task.has_trades);
  wallet.cursor = start.cursor;
  wallet.last_second = start.last_second;
  wallet.takes_over = start.takes_over;
  wallet.told_at = now;
  wallet.step = Step::kReady;
  ++begun_;
  if (!start.refusal.empty()) {
    Fail(index, WalletOutcome::Kind::kRejected, start.refusal, now);
    return false;
  }
  if (start.nothing_to_do) {
    ProgressOf(index, now).state = store::WalletState::kCompleted;
    EndWallet(index, WalletOutcome::Kind::kComplete, {});
    return false;
  }
  ready_.push_back(index);
  return true;
}

void TradesJob::SkipToWaiting() {
  while (next_waiting_ < wallets_.size() && wallets_[next_waiting_].step != Step::kWaiting) {
    ++next_waiting_;
  }
}

void TradesJob::WakeBackedOff(Instant now) {
  std::erase_if(backing_off_, [&](std::uint32_t index) {
    Wallet& wallet = wallets_[index];
    if (wallet.step != Step::kBackingOff) return true;
    if (wallet.ready_at > now) return false;
    wallet.step = Step::kReady;
    ready_.push_back(index);
    return true;
  });
}

Instant TradesJob::NextAt() const {
  Instant next = book_.DueAt();
  if (stopped_) return next;
  for (const std::uint32_t index : backing_off_) next = std::min(next, wallets_[index].ready_at);
  return next;
}

Status TradesJob::OnResponse(std::uint32_t index, const HttpResponse& response, Instant now) {
  CHECK(index < wallets_.size());
  Wallet& wallet = wallets_[index];
  std::optional<Error> failed = source_.Failure(response);
  // Ended meanwhile, by a lost lease or a refusing database: the answer is nobody's.
  const bool wanted = wallet.step == Step::kAsking && !stopped_ && !book_.fenced();
  if (wanted && !failed) {
    auto page =
        source_.ParsePage(wallet.task.address, wallet.cursor, wallet.horizon, response.body);
    if (page) {
      Accept(index, std::move(*page), now);
      return common::Done{};
    }
    failed = page.error();
  }
  if (!wanted) return failed ? Status(*failed) : Status(common::Done{});
  if (failed->kind != ErrorKind::kRejected) {
    TryAgain(index, *failed, now);
  } else if (!Restart(index)) {
    Fail(index, WalletOutcome::Kind::kRejected, failed->message, now);
  }
  return *failed;
}

void TradesJob::TryAgain(std::uint32_t index, const Error& error, Instant now) {
  Wallet& wallet = wallets_[index];
  const common::Duration wait = wallet.backoff.Next(random_);
  if (wallet.backoff.failures() >= limits_.tries) {
    return Fail(index, WalletOutcome::Kind::kFailed, error.message, now);
  }
  ++retries_;
  wallet.step = Step::kBackingOff;
  wallet.ready_at = now + wait;
  backing_off_.push_back(index);
}

// An upstream may refuse a position that it gave out long ago. The walk then begins anew, once:
// rows that it tells again have the keys that they had.
bool TradesJob::Restart(std::uint32_t index) {
  Wallet& wallet = wallets_[index];
  if (wallet.cursor.position.empty() || wallet.restarted) return false;
  wallet.restarted = true;
  ++retries_;
  wallet.cursor.position.clear();
  wallet.step = Step::kReady;
  ready_.push_back(index);
  return true;
}

// --- Collecting --------------------------------------------------------------------------------

void TradesJob::Accept(std::uint32_t index, sources::Page page, Instant now) {
  Wallet& wallet = wallets_[index];
  if (!page.last && page.trades.empty() && page.next == wallet.cursor) {
    return TryAgain(index, {ErrorKind::kTransient, "a page without progress"}, now);
  }
  // Else its walk would end here, as complete as one that told everything.
  if (page.unknown_wallet && wallet.task.has_trades) {
    return TryAgain(index,
                    {ErrorKind::kTransient,
                     "the upstream does not know a wallet whose trades it has told before"},
                    now);
  }
  wallet.task.has_trades = wallet.task.has_trades || !page.trades.empty();
  wallet.backoff.Reset();
  for (sources::TokenHint& hint : page.hints) {
    if (desk_.Saw(hint.token, newest_token_)) batch_.hints.push_back(std::move(hint));
  }
  store::WalletProgress& progress = ProgressOf(index, now);
  progress.processed += page.trades.size();
  if (batch_.rows.empty() && page.trades.size() > kFullBatchLikely) {
    batch_.rows.reserve(limits_.batch_rows + page.trades.size());
  }
  for (common::Trade& trade : page.trades) {
    progress.last_trade_ts = std::max(progress.last_trade_ts, trade.ts);
    batch_.rows.push_back({wallet.task.id, std::move(trade)});
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
    wallet.step = Step::kReady;
    ready_.push_back(index);
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
  for (std::uint32_t index = 0; index < wallets_.size(); ++index) {
    Wallet& wallet = wallets_[index];
    if (wallet.step == Step::kWaiting) wallet.told_at = now;
    if (wallet.step == Step::kWaiting || wallet.step == Step::kReady ||
        wallet.step == Step::kBackingOff) {
      Fail(index, WalletOutcome::Kind::kFailed, reason, now);
    }
  }
  ready_.clear();
  backing_off_.clear();
}

void TradesJob::EndWallet(std::uint32_t index, WalletOutcome::Kind kind, std::string reason) {
  Wallet& wallet = wallets_[index];
  CHECK(wallet.step != Step::kEnded && wallet.step != Step::kGivenBack);
  if (wallet.step != Step::kWaiting) --begun_;
  wallet.step = Step::kEnded;
  wallet.cursor.position = {};
  wallet.task.cursors = {};
  --open_wallets_;
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
  return batch_.rows.size() >= limits_.batch_rows || now >= book_.DueAt() || open_wallets_ == 0 ||
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
  const bool goes_on = book_.OnRefused(error.message, open_wallets_ == 0);
  ResetBatch();
  if (!goes_on) return;
  ready_.clear();
  backing_off_.clear();
  for (std::uint32_t index = 0; index < wallets_.size(); ++index) {
    Wallet& wallet = wallets_[index];
    wallet.progress.reset();
    if (wallet.step == Step::kGivenBack || book_.IsStored(wallet.task.id)) continue;
    if (wallet.step == Step::kWaiting) wallet.told_at = now;
    if (wallet.step == Step::kEnded) {
      ++open_wallets_;
      wallet.step = Step::kWaiting;
    }
    Fail(index, WalletOutcome::Kind::kSuspect, error.message, now);
  }
}

// --- Giving back -------------------------------------------------------------------------------

std::vector<WalletId> TradesJob::GiveBack() {
  std::vector<WalletId> given;
  for (Wallet& wallet : wallets_) {
    if (wallet.step != Step::kWaiting) continue;
    wallet.step = Step::kGivenBack;
    --open_wallets_;
    given.push_back(wallet.task.id);
  }
  return given;
}

void TradesJob::Stop() {
  stopped_ = true;
}

std::uint32_t TradesJob::waiting() const {
  return static_cast<std::uint32_t>(
      std::count_if(wallets_.begin() + next_waiting_, wallets_.end(),
                    [](const Wallet& wallet) { return wallet.step == Step::kWaiting; }));
}

std::vector<WalletId> TradesJob::in_flight() const {
  std::vector<WalletId> ids;
  for (const Wallet& wallet : wallets_) {
    if (wallet.step == Step::kReady || wallet.step == Step::kAsking ||
        wallet.step == Step::kBackingOff) {
      ids.push_back(wallet.task.id);
    }
  }
  return ids;
}

}  // namespace worker::jobs
