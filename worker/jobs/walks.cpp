#include "worker/jobs/walks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "worker/jobs/holders.h"
#include "worker/jobs/markets.h"

namespace worker::jobs {
namespace {

constexpr std::array<std::string_view, 2> kKinds{"markets", "holders"};

std::unique_ptr<UnitWalk> MakeWalk(const Upstreams& upstreams, const std::string& kind,
                                   const UnitTask& unit) {
  if (kind == "markets") return CatalogWalk::Make(upstreams.gamma_url, unit);
  if (kind == "holders") return HoldersWalk::Make(upstreams.data_url, unit);
  return nullptr;
}

}  // namespace

bool IsUnitKind(std::string_view kind) {
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

WalkMaker WalksOf(Upstreams upstreams) {
  return [upstreams = std::move(upstreams)](
             const ChunkTask& chunk,
             const UnitTask& unit) -> common::Result<std::unique_ptr<UnitWalk>> {
    auto walk = MakeWalk(upstreams, chunk.kind, unit);
    if (walk) return walk;
    return common::Error{common::ErrorKind::kRejected,
                         "this worker knows no " + chunk.kind + " task '" + unit.task + "'"};
  };
}

}  // namespace worker::jobs
