// What a wallet holds and held, and what that is worth, as the Data API reckons it. The task is the
// wallet's address. What two finished walks in a row do not tell is gone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "worker/jobs/unit_walk.h"
#include "worker/sources/positions_page.h"

namespace worker::jobs {

class PositionsWalk final : public UnitWalk {
 public:
  // Nothing where the task is no address.
  static std::unique_ptr<UnitWalk> Make(std::string data_url, const UnitTask& unit);

  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  // In this order, so that a token which is told as closed and as open is open.
  enum class Phase : char { kClosed = 'c', kLost = 'l', kOpen = 'o', kValue = 'v' };

  PositionsWalk(std::string data_url, common::WalletAddress wallet, std::string_view position);

  sources::PositionsQuery Query() const;
  common::Result<UnitStep> TakeValue(const std::string& body);

  const std::string data_url_;
  const common::WalletAddress wallet_;
  Phase phase_ = Phase::kClosed;
  std::string page_;          // where the phase stands
  bool has_refused_ = false;  // a row: not every position is told
};

}  // namespace worker::jobs
