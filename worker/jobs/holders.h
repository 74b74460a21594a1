// The wallets of a condition: who holds its tokens, and who has traded them.
//
// The task is the condition's id. Its trades are read from the newest on; a unit that has told
// them before reads no further than it must, with an overlap for rows that came late. Trades are
// not stored here: only their wallets' own syncs own them. `reached` is the second up to which the
// feed is told for certain: the horizon of when its newest page was asked for. `complete_to` is its
// newest trade up to there.
#pragma once

#include <memory>
#include <string>

#include "common/error.h"
#include "worker/jobs/unit_walk.h"

namespace worker::jobs {

class HoldersWalk final : public UnitWalk {
 public:
  // Nothing where the task is no condition.
  static std::unique_ptr<UnitWalk> Make(std::string data_url, const UnitTask& unit);

  void KnowHorizon(common::UnixSeconds horizon) override { horizon_ = horizon; }
  HttpRequest Next() override;
  common::Result<UnitStep> OnResponse(const HttpResponse& response) override;
  bool Restart() override;

 private:
  enum class Phase : char { kHolders = 'h', kTrades = 't' };

  HoldersWalk(std::string data_url, common::ConditionId condition, const UnitTask& unit);

  common::Result<UnitStep> TakeHolders(const std::string& body);
  common::Result<UnitStep> TakeTrades(const std::string& body);
  std::string Encode() const;
  void Decode(std::string_view text);

  const std::string data_url_;
  const common::ConditionId condition_;
  const common::UnixSeconds told_to_;  // by an earlier walk; 0: none
  Phase phase_ = Phase::kHolders;
  common::UnixSeconds newest_ = 0;  // trade, 0 as long as none was told
  common::UnixSeconds horizon_ = 0;
  common::UnixSeconds asked_at_ = 0;  // the horizon before the newest trades were asked for
  std::string page_;                  // where the phase stands
};

}  // namespace worker::jobs
