// A wallet's splits, merges, redemptions, rewards and the like. The task is its address.
//
// The walk is the feed's own, see worker/sources/activity_page.h: down to what is proven already,
// and complete up to the horizon.
#pragma once

#include <memory>
#include <string>

#include "common/error.h"
#include "common/trade.h"
#include "worker/jobs/unit_walk.h"

namespace worker::jobs {

class ActivityWalk final : public UnitWalk {
 public:
  // Nothing where the task is no address.
  static std::unique_ptr<UnitWalk> Make(std::string data_url, const UnitTask& unit);

  void KnowHorizon(common::UnixSeconds horizon) override { horizon_ = horizon; }
  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  ActivityWalk(std::string data_url, common::WalletAddress wallet, const UnitTask& unit);

  const std::string data_url_;
  const common::WalletAddress wallet_;
  common::Cursor cursor_;
  common::UnixSeconds horizon_ = 0;
  common::UnixSeconds asked_at_ = 0;  // the horizon before the page was asked for
};

}  // namespace worker::jobs
