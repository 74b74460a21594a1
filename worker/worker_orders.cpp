// What the session asks for.
#include <algorithm>
#include <string_view>
#include <utility>

#include "common/logging.h"
#include "worker/jobs/ownership.h"
#include "worker/jobs/walks.h"
#include "worker/worker.h"

namespace worker {
namespace {

constexpr std::string_view kTrades = "trades";

}  // namespace

void Worker::Perform(SessionActions actions) {
  for (SessionAction& action : actions) {
    std::visit([this](auto& body) { Do(body); }, action);
  }
}

void Worker::Do(SendMessage& action) {
  const proto::SendResult result = parts_.channel.Send(action.message);
  // Whatever matters is said again, so a message that is lost here is no failure.
  if (result != proto::SendResult::kSent) common::LogDebug("message_not_sent", {});
}

void Worker::Do(OpenSocket&) {
  common::LogWarning("coordinator_silent", {});
  const common::Status opened = parts_.channel.Reset();
  if (!opened) exit_ = Exit{kExitLost, false, opened.error().message};
}

void Worker::Do(KeepTerm& action) {
  Mail(NoteTerm{action.term});
}

void Worker::Do(SetRates& action) {
  for (const proto::RateShare& share : action.rates) {
    for (int i = 0; i < kEndpointCount; ++i) {
      const auto endpoint = static_cast<Endpoint>(i);
      if (share.endpoint() != ToString(endpoint)) continue;
      parts_.pace.SetShare({endpoint, share.per_second(), share.burst()}, now_);
    }
  }
}

void Worker::Do(StartChunk& action) {
  ChunkTask& task = action.task;
  for (const WalletTask& wallet : task.wallets) {
    if (poison_.empty() || wallet.address.ToString() != poison_) continue;
    is_poisoned_ = true;
    poisoned_ = wallet.id;
  }
  const Lease lease = task.lease;
  common::LogInfo("chunk_begins", {{"chunk", lease.chunk},
                                   {"epoch", lease.epoch},
                                   {"run", task.run},
                                   {"kind", task.kind},
                                   {"parts", task.wallets.size() + task.units.size()}});
  if (task.kind == kTrades) {
    if (HorizonFor(task.source) == nullptr) return RefuseSource(task);
  } else if (!parts_.make_walk || !jobs::IsUnitKind(task.kind)) {
    // Work that this version cannot do: another worker may.
    common::LogError("chunk_refused",
                     {{"chunk", lease.chunk},
                      {"kind", task.kind},
                      {"reason", "this worker knows no chunks of this kind: is it an old one?"}});
    return Perform(parts_.session.Released(lease, {}, true, proto::Release::OVERLOAD, now_));
  }
  const std::uint64_t id = ++last_id_;
  Work& work = works_[id];
  work.stream = id;
  work.urgent = task.urgent;
  work.job = MakeJob(std::move(task));
}

std::unique_ptr<jobs::Job> Worker::MakeJob(ChunkTask task) {
  if (task.kind == kTrades) {
    jobs::Horizon& horizon = *HorizonFor(task.source);
    return std::make_unique<jobs::TradesJob>(std::move(task), horizon, desk_, limits_.trades,
                                             random_.Next());
  }
  // Only a feed that grows at its head is as complete as the upstream's horizon says.
  const bool is_feed = task.kind == "activity" || task.kind == "holders";
  jobs::Horizon* const horizon = is_feed ? HorizonFor("auto") : nullptr;
  return std::make_unique<jobs::UnitJob>(std::move(task), parts_.make_walk, horizon, desk_,
                                         limits_.units, random_.Next());
}

// The run cannot be done as it was asked for; its wallets say why.
void Worker::RefuseSource(const ChunkTask& task) {
  const std::string hint =
      task.source == "rpc" ? ": give seine-worker --rpc-url, or SEINE_RPC_URL" : "";
  std::vector<WalletOutcome> outcomes;
  for (const WalletTask& wallet : task.wallets) {
    outcomes.push_back({wallet.id, WalletOutcome::Kind::kRejected,
                        "this worker has no source '" + task.source + "'" + hint});
  }
  Perform(parts_.session.Finished(task.lease, outcomes, 0, now_));
}

void Worker::Do(AbandonChunk& action) {
  common::LogWarning("chunk_abandoned",
                     {{"chunk", action.lease.chunk}, {"epoch", action.lease.epoch}});
  Drop(action.lease);
}

void Worker::Do(GiveBack& action) {
  for (auto& [id, work] : works_) {
    jobs::Job& job = *work.job;
    if (job.lease() != action.lease) continue;
    const auto given = job.GiveBack();
    const bool whole = job.stored() && job.outcomes().empty();
    auto actions = parts_.session.Released(action.lease, given, whole, action.reason, now_);
    if (whole) Drop(action.lease);
    return Perform(std::move(actions));
  }
}

void Worker::Do(StopChunk& action) {
  for (auto& [id, work] : works_) {
    if (work.job->lease() == action.lease) work.job->Stop();
  }
}

void Worker::Do(Exit& action) {
  if (!exit_) exit_ = std::move(action);
}

}  // namespace worker
