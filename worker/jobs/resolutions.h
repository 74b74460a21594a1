// How markets ended: asked of the Data API, up to 20 at once, and of the CLOB where that one does
// not say. The task is "resolutions <condition>,<condition>,...", in a chunk of kind markets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "worker/jobs/unit_walk.h"
#include "worker/upstreams.h"

namespace worker::jobs {

class ResolutionsWalk final : public UnitWalk {
 public:
  // Nothing where the task is none of these.
  static std::unique_ptr<UnitWalk> Make(const Upstreams& upstreams, const UnitTask& unit);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override { return false; }

 private:
  ResolutionsWalk(const Upstreams& upstreams, std::vector<common::ConditionId> conditions);

  common::Result<UnitStep> TakeRows(const std::string& body);
  common::Result<UnitStep> TakeMarket(const HttpResponse& response);

  const std::string data_url_;
  const std::string clob_url_;
  const std::vector<common::ConditionId> conditions_;
  bool is_asked_ = false;                    // of the Data API
  std::vector<common::ConditionId> unsaid_;  // to be asked of the CLOB, the last one first
};

}  // namespace worker::jobs
