// All markets and events: one unit walks one half of one of Gamma's lists, page by page.
//
// Tasks: "markets open", "markets closed", "events open", "events closed"; the closed ones with
// " since=<unix seconds>" behind it want only what closed since then, and begin with the newest.
#pragma once

#include <memory>
#include <string>

#include "common/error.h"
#include "worker/jobs/unit_walk.h"
#include "worker/sources/gamma_catalog.h"

namespace worker::jobs {

class CatalogWalk final : public UnitWalk {
 public:
  // Nothing where the task is none of these.
  static std::unique_ptr<UnitWalk> Make(std::string gamma_url, const UnitTask& unit);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  CatalogWalk(std::string gamma_url, sources::CatalogQuery query, common::UnixSeconds since,
              std::string position);

  const std::string gamma_url_;
  const sources::CatalogQuery query_;
  const common::UnixSeconds since_;  // 0: all
  std::string position_;
  // By the page before; 0 where that is not known, so that one page of a resumed walk ends nothing.
  common::UnixSeconds last_closed_;
};

}  // namespace worker::jobs
