#include "worker/jobs/batch_book.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace worker::jobs {

void BatchBook::End(WalletOutcome outcome) {
  ++ended_;
  outcomes_.push_back(std::move(outcome));
}

void BatchBook::Send(std::size_t rows) {
  sent_.push_back({rows, ended_});
  unwritten_rows_ += rows;
  Drop();
}

void BatchBook::Drop() {
  since_.reset();
  ended_ = 0;
}

bool BatchBook::OnWritten(const store::Receipt& receipt) {
  CHECK(!sent_.empty());
  const SentBatch written = sent_.front();
  sent_.pop_front();
  unwritten_rows_ -= written.rows;
  if (receipt.fenced) {
    fenced_ = true;
    Drop();
    return false;
  }
  rows_stored_ += receipt.stored;
  for (const std::uint32_t end = parts_done_ + written.ended; parts_done_ < end; ++parts_done_) {
    WalletOutcome& outcome = outcomes_[parts_done_];
    if (!receipt.Contradicts(outcome.wallet)) continue;
    outcome = {outcome.wallet, WalletOutcome::Kind::kFailed, store::kContradiction};
  }
  return true;
}

void BatchBook::EndStored(WalletOutcome outcome) {
  // Behind those that are stored, before those that are not yet.
  outcomes_.insert(outcomes_.begin() + parts_done_, std::move(outcome));
  ++parts_done_;
}

bool BatchBook::OnRefused(const std::string& reason, bool all_ended) {
  const bool again = std::any_of(outcomes_.begin() + parts_done_, outcomes_.end(),
                                 [&](const auto& outcome) { return outcome.reason == reason; });
  sent_.clear();
  unwritten_rows_ = 0;
  Drop();
  if (again && all_ended) {
    // Not even the failures can be written: the coordinator learns of them all the same.
    parts_done_ = static_cast<std::uint32_t>(outcomes_.size());
    return false;
  }
  outcomes_.resize(parts_done_);
  return true;
}

bool BatchBook::IsStored(common::WalletId part) const {
  return std::any_of(outcomes_.begin(), outcomes_.begin() + parts_done_,
                     [&](const auto& outcome) { return outcome.wallet == part; });
}

}  // namespace worker::jobs
