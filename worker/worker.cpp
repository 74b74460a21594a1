#include "worker/worker.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "common/environment.h"
#include "common/failpoint.h"
#include "common/logging.h"
#include "worker/jobs/ownership.h"
#include "worker/jobs/walks.h"

namespace worker {
namespace {

using common::Duration;
using common::Instant;

// A turn costs little, so a deadline that somebody forgot costs no more than this.
constexpr Duration kLongestWait = std::chrono::milliseconds(250);
// Failures in a row after which the resolver's upstreams count as away.
constexpr int kTokenPatience = 5;
// For the BEAT that names the poisoned wallet to leave the house.
constexpr Duration kPoisonDelay = std::chrono::milliseconds(200);

std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> size_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// "0x...=kill" in SEINE_POISON_WALLET: the process ends as soon as this wallet is told to be in
// flight.
std::string PoisonFromEnvironment() {
  const std::string entry = common::Variable("SEINE_POISON_WALLET");
  return entry.substr(0, entry.find('='));
}

}  // namespace

Worker::Worker(WorkerParts parts, const WorkerLimits& limits, std::uint64_t seed)
    : parts_(std::move(parts)),
      limits_(limits),
      random_(seed),
      desk_(parts_.resolver),
      tokens_backoff_({std::chrono::milliseconds(500), std::chrono::seconds(10)}),
      poison_(PoisonFromEnvironment()) {
  for (const sources::TradeSource* source : parts_.sources) {
    horizons_.push_back(std::make_unique<jobs::Horizon>(*source, random_.Next()));
  }
}

Worker::~Worker() = default;

int Worker::Run() {
  now_ = parts_.clock.Now();
  Perform(parts_.session.Start(now_));
  while (!exit_) {
    now_ = parts_.clock.Now();
    wake_at_ = now_ + kLongestWait;
    TakeSignals();
    TakeMessages();
    TakeAnswers();
    TakeReports();
    Settle();
    StartRequests();
    Settle();
    TickSession();
    if (!exit_) Wait();
  }
  if (exit_->at_once) std::raise(SIGKILL);
  const common::LogLevel level =
      exit_->code == kExitDrained ? common::LogLevel::kInfo : common::LogLevel::kError;
  common::Log(level, "worker_ends", {{"code", exit_->code}, {"reason", exit_->reason}});
  parts_.channel.LingerOnClose();
  return exit_->code;
}

void Worker::TakeSignals() {
  const int stops = parts_.signals.Drain().stops;
  if (stops == 0) return;
  const bool first = parts_.signals.stops() == 1;
  common::LogInfo("draining", {{"mode", first ? "graceful" : "quick"}});
  Perform(parts_.session.Drain(first ? proto::GRACEFUL : proto::QUICK, {}, now_));
}

void Worker::TakeMessages() {
  for (const proto::ConnectionEvent event : parts_.channel.TakeEvents()) {
    common::LogInfo("connection", {{"event", proto::ToString(event)}});
    switch (event) {
      case proto::ConnectionEvent::kConnected:
        Perform(parts_.session.Connected(now_));
        break;
      case proto::ConnectionEvent::kDisconnected:
        Perform(parts_.session.Disconnected(now_));
        break;
      case proto::ConnectionEvent::kNotAuthorised:
        Perform(parts_.session.KeyRefused());
        break;
      case proto::ConnectionEvent::kMechanismMismatch:
        exit_ = Exit{kExitLost, false,
                     "one of coordinator and worker has keys and the other has none: give both "
                     "--keys, or neither"};
        break;
      case proto::ConnectionEvent::kHandshakeFailed:
        break;
    }
  }
  for (const proto::Envelope& message : parts_.channel.Receive()) {
    if (message.has_done_ack()) common::Failpoint("before_done_ack");
    Perform(parts_.session.Receive(message, now_));
    if (message.has_assign()) common::Failpoint("after_assign");
  }
}

void Worker::TakeReports() {
  for (StoreReport& report : parts_.store.Collect()) {
    if (const auto* written = std::get_if<BatchWritten>(&report)) {
      OnBatchWritten(*written);
    } else if (const auto* settled = std::get_if<TokensSettled>(&report)) {
      desk_.OnSettled(settled->tokens);
    } else if (const auto* checked = std::get_if<TokensChecked>(&report)) {
      desk_.OnChecked(*checked);
    } else if (const auto* due = std::get_if<TokensDue>(&report)) {
      desk_.OnDue(*due);
    } else if (const auto* away = std::get_if<DatabaseAway>(&report)) {
      database_away_ = !away->reason.empty();
    }
  }
}

void Worker::OnBatchWritten(const BatchWritten& report) {
  --unwritten_batches_;
  const auto found = std::find_if(works_.begin(), works_.end(), [&](const auto& entry) {
    return entry.second.stream == report.stream;
  });
  if (found == works_.end()) return;
  Work& work = found->second;
  if (report.refused) {
    // Later batches of the stream are refused too, and have nobody to tell.
    work.stream = ++last_id_;
    work.job->OnRefused(*report.refused, now_);
    return;
  }
  work.job->OnWritten(report.receipt);
  if (!report.receipt.fenced) return;
  const Lease lease = work.job->lease();
  common::LogWarning("fenced", {{"chunk", lease.chunk}, {"epoch", lease.epoch}});
  Perform(parts_.session.FencedByStore(lease, now_));
}

// Mails what is due and ends what is done.
void Worker::Settle() {
  bool mailed = false;
  for (auto& [id, work] : works_) mailed = MailBatches(work) || mailed;
  for (StoreCommand& command : desk_.TakeCommands(now_, mailed)) Mail(std::move(command));
  FlushMail();
  std::vector<std::uint64_t> ids;
  ids.reserve(works_.size());
  for (const auto& [id, work] : works_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto found = works_.find(id);
    if (found != works_.end()) SettleWork(found->second);
  }
  Perform(parts_.session.SetWilling(!database_away_ && unmailed_.empty(), now_));
}

bool Worker::MailBatches(Work& work) {
  jobs::Job& job = *work.job;
  bool mailed = false;
  while (job.BatchDue(now_)) {
    mailed = true;
    ++unwritten_batches_;
    Mail(job.TakeCommand(work.stream, now_));
  }
  // What is due now is seen to in this turn, or waits for a report.
  if (const Instant next = job.NextAt(); next > now_) WakeBy(next);
  return mailed;
}

void Worker::SettleWork(Work& work) {
  jobs::Job& job = *work.job;
  const Lease lease = job.lease();
  // Tokens that cannot be asked for stay due in the database; trades do not wait for them.
  const bool waits = !job.finished() && tokens_backoff_.failures() < kTokenPatience;
  if (job.stored() && (!waits || job.stopped())) {
    common::Failpoint("before_finished");
    common::LogInfo("chunk_finished", {{"chunk", lease.chunk},
                                       {"epoch", lease.epoch},
                                       {"parts", job.outcomes().size()},
                                       {"rows", job.rows_stored()}});
    for (const WalletOutcome& outcome : job.outcomes()) {
      if (outcome.kind == WalletOutcome::Kind::kComplete) continue;
      common::LogWarning("wallet_failed", {{"wallet", outcome.wallet}, {"reason", outcome.reason}});
    }
    parts_.session.BeatNext();
    TickSession();
    auto actions = parts_.session.Finished(lease, job.outcomes(), job.rows_stored(), now_);
    Drop(lease);
    Perform(std::move(actions));
  } else if (job.stored() && !work.told_stored) {
    work.told_stored = true;
    Perform(parts_.session.Stored(lease));
  } else if (job.stopped() && job.quiet()) {
    auto actions = parts_.session.Released(lease, {}, true, proto::Release::DRAIN, now_);
    Drop(lease);
    Perform(std::move(actions));
  }
}

void Worker::Drop(const Lease& lease) {
  std::erase_if(works_, [&](const auto& entry) {
    if (entry.second.job->lease() != lease) return false;
    retries_done_ += entry.second.job->retries();
    return true;
  });
}

void Worker::Mail(StoreCommand command) {
  unmailed_.push_back(std::move(command));
}

void Worker::FlushMail() {
  while (!unmailed_.empty() && parts_.store.Offer(unmailed_.front())) unmailed_.pop_front();
}

void Worker::TickSession() {
  if (poison_at_ && now_ >= *poison_at_) std::raise(SIGKILL);
  proto::Beat vitals;
  if (parts_.session.BeatDue(now_)) vitals = Vitals();
  Perform(parts_.session.Tick(now_, std::move(vitals)));
  WakeBy(parts_.session.NextAt());
}

proto::Beat Worker::Vitals() {
  proto::Beat beat;
  std::uint64_t retries = retries_done_;
  for (const auto& [id, work] : works_) {
    const jobs::Job& job = *work.job;
    proto::LeaseProgress& progress = *beat.add_leases();
    progress.set_chunk(job.lease().chunk.value);
    progress.set_epoch(job.lease().epoch.value);
    progress.set_wallets_done(job.parts_done());
    progress.set_rows(job.rows_stored());
    for (const common::WalletId wallet : job.in_flight()) {
      progress.add_in_flight(wallet.value);
      if (is_poisoned_ && wallet == poisoned_ && !poison_at_) poison_at_ = now_ + kPoisonDelay;
    }
    retries += job.retries();
  }
  for (const auto& horizon : horizons_) retries += horizon->retries();
  for (int i = 0; i < kEndpointCount; ++i) {
    const auto endpoint = static_cast<Endpoint>(i);
    const Pace::Use& use = parts_.pace.use(endpoint);
    proto::EndpointUse& told = *beat.add_endpoints();
    told.set_endpoint(ToString(endpoint));
    told.set_requests(use.requests);
    told.set_throttled(use.throttled);
    told.set_failed(use.failed);
    told.set_waiting(waiting_[static_cast<std::size_t>(i)]);
    const auto paused = parts_.pace.PausedFor(endpoint, now_);
    told.set_paused_ms(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(paused).count()));
  }
  beat.set_rss_bytes(ResidentBytes());
  beat.set_database_latency_ms(parts_.store.latency_ms());
  beat.set_trades(parts_.store.rows_stored());
  beat.set_retries(retries);
  return beat;
}

void Worker::Wait() {
  const std::array<int, 3> fds = {parts_.channel.fd(), parts_.store.fd(), parts_.signals.fd()};
  const Instant now = parts_.clock.Now();
  parts_.wait(std::max(Duration::zero(), wake_at_ - now), fds);
}

}  // namespace worker
