// A position is the phase's letter and the position of its page. It is a capital letter once a row
// was refused.
#include "worker/jobs/positions.h"

#include <utility>

#include "worker/sources/answer.h"
#include "worker/sources/positions_page.h"

namespace worker::jobs {
PositionsWalk::PositionsWalk(std::string data_url, common::WalletAddress wallet,
                             std::string_view position)
    : data_url_(std::move(data_url)), wallet_(wallet) {
  constexpr std::string_view kPhases = "clovCLOV";
  const std::size_t at = kPhases.find(position.substr(0, 1));
  if (position.empty() || at == std::string_view::npos) return;
  phase_ = static_cast<Phase>(kPhases[at % 4]);
  has_refused_ = at >= 4;
  page_ = std::string(position.substr(1));
}

std::unique_ptr<UnitWalk> PositionsWalk::Make(std::string data_url, const UnitTask& unit) {
  const auto wallet = common::WalletAddress::Parse(unit.task);
  if (!wallet) return nullptr;
  return std::unique_ptr<UnitWalk>(new PositionsWalk(std::move(data_url), *wallet, unit.position));
}

sources::PositionsQuery PositionsWalk::Query() const {
  using sources::PositionStatus;
  sources::PositionsQuery query;
  query.wallet = wallet_;
  query.status = phase_ == Phase::kClosed ? PositionStatus::kClosed
                 : phase_ == Phase::kLost ? PositionStatus::kLost
                                          : PositionStatus::kOpen;
  return query;
}

HttpRequest PositionsWalk::Next() {
  if (phase_ == Phase::kValue) return sources::ValueRequest(data_url_, wallet_);
  return sources::PositionsRequest(data_url_, Query(), page_);
}

common::Result<UnitStep> PositionsWalk::OnResponse(const HttpResponse& response) {
  if (const auto failed = sources::FailureOf(response)) return *failed;
  if (phase_ == Phase::kValue) return TakeValue(response.body);
  auto page = sources::ParsePositionsPage(Query(), page_, response.body);
  if (!page) return page.error();
  UnitStep step;
  step.told = page->positions.size();
  for (const sources::Position& row : page->positions) {
    step.rows.hints.push_back({row.token, row.condition, row.outcome, row.outcome_index});
  }
  step.rows.positions = std::move(page->positions);
  step.refused = std::move(page->refused);
  has_refused_ = has_refused_ || !step.refused.empty();
  page_ = page->end.next_cursor.empty() ? std::string() : sources::EncodePageEnd(page->end);
  if (page_.empty()) {
    phase_ = phase_ == Phase::kClosed ? Phase::kLost
             : phase_ == Phase::kLost ? Phase::kOpen
                                      : Phase::kValue;
  }
  const char letter = static_cast<char>(phase_);
  step.position = (has_refused_ ? static_cast<char>(letter - 'a' + 'A') : letter) + page_;
  return step;
}

common::Result<UnitStep> PositionsWalk::TakeValue(const std::string& body) {
  const auto value = sources::ParseValue(wallet_, body);
  if (!value) return value.error();
  UnitStep step;
  step.done = true;
  if (has_refused_) {
    step.shortfall = "a position's token id is no 256-bit number";
  } else {
    step.rows.positions_told.push_back({wallet_, *value});
  }
  return step;
}

bool PositionsWalk::Restart() {
  const bool has_begun = phase_ != Phase::kClosed || !page_.empty();
  phase_ = Phase::kClosed;
  page_.clear();
  has_refused_ = false;
  return has_begun;
}

}  // namespace worker::jobs
