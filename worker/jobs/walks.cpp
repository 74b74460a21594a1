#include "worker/jobs/walks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "worker/jobs/activity.h"
#include "worker/jobs/holders.h"
#include "worker/jobs/markets.h"
#include "worker/jobs/positions.h"
#include "worker/jobs/range.h"
#include "worker/jobs/resolutions.h"

namespace worker::jobs {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"markets", "holders", "range", "activity",
                                                 "positions"};

using Made = common::Result<std::unique_ptr<UnitWalk>>;

Made Refused(std::string why) {
  return common::Error{common::ErrorKind::kRejected, std::move(why)};
}

Made MakeRange(const Upstreams& upstreams, const UnitTask& unit) {
  const auto task = ParseRangeTask(unit.task);
  if (!task) return std::unique_ptr<UnitWalk>();
  if (task->source == common::Source::kSubgraph) {
    return std::unique_ptr<UnitWalk>(
        std::make_unique<SubgraphRangeWalk>(upstreams.subgraph_url, *task, unit.position));
  }
  if (task->source != common::Source::kRpc) {
    return Refused(std::string(common::ToString(task->source)) +
                   " does not tell all wallets at once: use subgraph or rpc");
  }
  if (upstreams.rpc_url.empty()) {
    return Refused("this worker knows no node: give seine-worker --rpc-url");
  }
  return std::unique_ptr<UnitWalk>(
      std::make_unique<RpcRangeWalk>(upstreams.rpc_url, *task, unit.position));
}

// An empty pointer: the task cannot be read.
Made MakeWalk(const Upstreams& upstreams, const std::string& kind, const UnitTask& unit) {
  if (kind == "markets") {
    auto walk = ResolutionsWalk::Make(upstreams, unit);
    return walk ? std::move(walk) : CatalogWalk::Make(upstreams.gamma_url, unit);
  }
  if (kind == "holders") return HoldersWalk::Make(upstreams.data_url, unit);
  if (kind == "range") return MakeRange(upstreams, unit);
  if (kind == "activity") return ActivityWalk::Make(upstreams.data_url, unit);
  if (kind == "positions") return PositionsWalk::Make(upstreams.data_url, unit);
  return std::unique_ptr<UnitWalk>();
}

}  // namespace

bool IsUnitKind(std::string_view kind) {
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

WalkMaker WalksOf(Upstreams upstreams) {
  return [upstreams = std::move(upstreams)](const ChunkTask& chunk, const UnitTask& unit) {
    Made walk = MakeWalk(upstreams, chunk.kind, unit);
    if (!walk || *walk != nullptr) return walk;
    return Refused("this worker knows no " + chunk.kind + " task '" + unit.task + "'");
  };
}

}  // namespace worker::jobs
