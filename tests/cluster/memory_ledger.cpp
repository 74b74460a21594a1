#include "tests/cluster/memory_ledger.h"

#include <algorithm>
#include <utility>

#include "coordinator/plans/trades.h"

namespace tests::cluster {

using common::ChunkId;
using common::Epoch;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Term;
using coordinator::ChunkRow;
using coordinator::LedgerAnswer;

namespace {

constexpr common::RunId kRun{1};
// As kRetryDelays, in the cluster's faster time.
constexpr common::Duration kWaits[] = {std::chrono::milliseconds(200),
                                       std::chrono::milliseconds(500), std::chrono::seconds(1)};

}  // namespace

MemoryLedger::MemoryLedger(std::vector<Wallet> wallets) : wallets_(std::move(wallets)) {
  for (Wallet& wallet : wallets_) wallet.written.resize(static_cast<std::size_t>(wallet.pages));
}

void MemoryLedger::Violate(const std::string& what) {
  if (violation_.empty()) violation_ = what;
}

std::int64_t MemoryLedger::EpochOf(ChunkId chunk) const {
  const auto found = chunks_.find(chunk.value);
  if (found == chunks_.end() || found->second.row.state != ChunkRow::State::kLeased) return -1;
  return found->second.row.epoch.value;
}

Result<Term> MemoryLedger::HoldTerm(Term current) {
  if (current.value != 0 ? current.value != term_ : now_ < other_until_) {
    return Error{ErrorKind::kRejected, "another coordinator holds the lease"};
  }
  if (current.value == 0) ++term_;
  return Term{term_};
}

Result<LedgerAnswer> MemoryLedger::Perform(Term term, const coordinator::LedgerRequest& request) {
  if (term.value != term_) return Error{ErrorKind::kRejected, "the term is over"};
  return std::visit([&](const auto& one) { return Do(one); }, request);
}

bool MemoryLedger::Write(ChunkId chunk, Epoch epoch, int wallet, int page, bool last) {
  if (EpochOf(chunk) != epoch.value) {
    ++fenced_;
    return false;
  }
  const auto& members = chunks_.at(chunk.value).wallets;
  if (std::find(members.begin(), members.end(), wallet) == members.end()) {
    Violate("a wallet was written under a chunk that does not hold it");
  }
  Wallet& row = wallets_.at(static_cast<std::size_t>(wallet));
  if (row.cursor_epoch > epoch.value) Violate("an older epoch wrote after a newer one");
  if (row.done) Violate("a wallet that is done was written again");
  if (StageOf(static_cast<std::size_t>(wallet)) != stage_) {
    Violate("a wallet was written in another stage than its own");
  }
  row.cursor_epoch = epoch.value;
  if (page == row.cursor) {
    ++row.written.at(static_cast<std::size_t>(page));
    ++row.cursor;
  } else if (page > row.cursor) {
    Violate("a page was left out");
  }
  if (last) {
    row.done = true;
    row.done_epoch = epoch.value;
  }
  return true;
}

// --- The ledger --------------------------------------------------------------------------------

ChunkRow MemoryLedger::RowOf(const Chunk& chunk) const {
  ChunkRow row = chunk.row;
  row.wallets = static_cast<std::uint32_t>(chunk.wallets.size());
  row.due_in = std::max(common::Duration::zero(), chunk.due_at - now_);
  row.suspect = chunk.wallets.size() == 1 &&
                wallets_.at(static_cast<std::size_t>(chunk.wallets.front())).blames > 0;
  return row;
}

ChunkRow MemoryLedger::Create(std::vector<int> wallets, int round, common::Duration wait) {
  Chunk chunk;
  chunk.row.id = {next_chunk_++};
  chunk.row.run = kRun;
  chunk.row.kind = "trades";
  chunk.row.round = round;
  chunk.wallets = std::move(wallets);
  chunk.due_at = now_ + wait;
  const ChunkRow row = RowOf(chunk);
  chunks_.emplace(row.id.value, std::move(chunk));
  return row;
}

std::vector<ChunkRow> MemoryLedger::Open(bool only_pending) const {
  std::vector<ChunkRow> rows;
  for (const auto& [id, chunk] : chunks_) {
    const bool pending = chunk.row.state == ChunkRow::State::kPending;
    if (pending || (!only_pending && chunk.row.state == ChunkRow::State::kLeased)) {
      rows.push_back(RowOf(chunk));
    }
  }
  return rows;
}

coordinator::RunRow MemoryLedger::Run() const {
  coordinator::RunRow run;
  run.id = kRun;
  run.kind = "trades";
  run.source = "auto";
  run.state = finished_ ? "finished" : planned_ ? "running" : "queued";
  run.wallets_total = static_cast<std::int64_t>(wallets_.size());
  run.stage = stage_;
  run.stages = {{"trades", 0, 0, 0}, {"trades", 0, 0, 0}};
  return run;
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::LoadRequest&) {
  coordinator::Loaded loaded;
  if (!planned_) loaded.queued.push_back(kRun);
  if (planned_ && !finished_) {
    loaded.active = Run();
    loaded.open = Open(false);
  }
  return LedgerAnswer{std::move(loaded)};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::PlanRequest& request) {
  if (!planned_) {
    planned_ = true;
    PlanStage(request.workers);
  }
  return LedgerAnswer{coordinator::Planned{Run(), Open(true)}};
}

void MemoryLedger::PlanStage(int workers) {
  std::vector<coordinator::plans::WalletLoad> loads;
  for (std::size_t i = 0; i < wallets_.size(); ++i) {
    if (StageOf(i) != stage_) continue;
    loads.push_back({{static_cast<std::int32_t>(i)}, wallets_[i].pages > 4 ? 30'000 : 10});
  }
  coordinator::plans::PlanTrades(loads, workers, [&](auto planned) {
    Create({planned.wallets.begin(), planned.wallets.end()}, 0);
  });
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::PrepareRequest& request) {
  coordinator::Prepared prepared;
  for (const ChunkId id : request.chunks) {
    const auto found = chunks_.find(id.value);
    if (found == chunks_.end() || found->second.row.state != ChunkRow::State::kPending) continue;
    coordinator::ChunkContent content{id, found->second.row.epoch, {}};
    for (const int wallet : found->second.wallets) {
      const Wallet& row = wallets_.at(static_cast<std::size_t>(wallet));
      if (row.done || row.failed) continue;
      coordinator::WalletRow out;
      out.id = {wallet};
      out.cursors.push_back({common::Source::kDataApi, 1, 0, std::to_string(row.cursor)});
      content.wallets.push_back(std::move(out));
    }
    prepared.contents.push_back(std::move(content));
  }
  return LedgerAnswer{std::move(prepared)};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::GrantRequest& request) {
  coordinator::Granted granted;
  for (const coordinator::GrantWish& wish : request.wishes) {
    coordinator::Granted::One one{wish.chunk, std::nullopt};
    const auto found = chunks_.find(wish.chunk.value);
    if (found != chunks_.end()) {
      Chunk& chunk = found->second;
      if (chunk.row.state == ChunkRow::State::kPending && chunk.row.epoch == wish.epoch) {
        chunk.row.state = ChunkRow::State::kLeased;
        chunk.row.epoch = {next_epoch_++};
        chunk.row.owner = wish.worker;
        ++grants_;
        if (chunk.grants++ > 0) ++regrants_;
      }
      // Also what an earlier offer of the same wish did.
      if (chunk.row.state == ChunkRow::State::kLeased && chunk.row.owner == wish.worker &&
          chunk.row.epoch > wish.epoch) {
        one.epoch = chunk.row.epoch;
      }
    }
    granted.grants.push_back(one);
  }
  return LedgerAnswer{std::move(granted)};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::FinishRequest& request) {
  coordinator::FinishedAnswer answer;
  answer.chunk = request.chunk;
  answer.epoch = request.epoch;
  const auto found = chunks_.find(request.chunk.value);
  if (found == chunks_.end() || found->second.row.epoch != request.epoch) {
    return LedgerAnswer{answer};
  }
  answer.closed = true;
  if (found->second.row.state == ChunkRow::State::kDone) {
    answer.created = Open(true);
    return LedgerAnswer{answer};
  }
  found->second.row.state = ChunkRow::State::kDone;
  const int round = found->second.row.round;
  std::set<int> failed;
  for (const auto& failure : request.failures) failed.insert(failure.wallet.value);
  std::vector<int> again;
  std::vector<int> missing;
  for (const int id : std::vector<int>(found->second.wallets)) {
    Wallet& wallet = wallets_.at(static_cast<std::size_t>(id));
    if (wallet.done || wallet.failed) continue;
    if (!failed.contains(id)) {
      missing.push_back(id);
    } else if (round >= coordinator::kRetryRounds) {
      wallet.failed = true;
    } else {
      again.push_back(id);
    }
  }
  if (!again.empty()) answer.created.push_back(Create(again, round + 1, kWaits[round]));
  if (!missing.empty()) answer.created.push_back(Create(missing, round));
  return LedgerAnswer{answer};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::ReclaimRequest& request) {
  coordinator::Reclaimed answer;
  Chunk& chunk = chunks_.at(request.chunk.value);
  if (chunk.row.epoch != request.epoch || chunk.row.state != ChunkRow::State::kLeased) {
    answer.chunk = RowOf(chunk);
    answer.created = Open(true);
    return LedgerAnswer{answer};
  }
  std::set<int> in_flight;
  for (const auto wallet : request.suspects) in_flight.insert(wallet.value);
  if ((request.strike || request.all_suspects) && chunk.wallets.size() == 1)
    in_flight.insert(chunk.wallets.front());
  std::vector<int> rest;
  for (const int id : std::vector<int>(chunk.wallets)) {
    Wallet& wallet = wallets_.at(static_cast<std::size_t>(id));
    if (wallet.done) continue;
    if (!in_flight.contains(id) || wallet.cursor_epoch == request.epoch.value) {
      rest.push_back(id);
      continue;
    }
    ++wallet.blames;
    wallet.strikes = request.strike ? wallet.strikes + 1 : 0;
    if (!request.strike) {
      answer.created.push_back(Create({id}, chunk.row.round));
    } else if (wallet.strikes >= coordinator::kBlamesToQuarantine) {
      wallet.failed = wallet.quarantined = true;
      answer.quarantined.push_back({id});
    } else {
      rest.push_back(id);
    }
  }
  for (std::uint32_t piece = 1; piece < request.pieces && rest.size() > 1; ++piece) {
    answer.created.push_back(Create({rest.back()}, chunk.row.round));
    rest.pop_back();
  }
  chunk.wallets = rest;
  chunk.row.epoch = {next_epoch_++};
  chunk.row.owner = {};
  chunk.row.state = rest.empty() ? ChunkRow::State::kDone : ChunkRow::State::kPending;
  answer.chunk = RowOf(chunk);
  return LedgerAnswer{answer};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::SplitRequest& request) {
  coordinator::SplitAnswer answer;
  answer.chunk = request.chunk;
  answer.epoch = request.epoch;
  Chunk& chunk = chunks_.at(request.chunk.value);
  std::vector<int> moved;
  if (chunk.row.epoch == request.epoch && chunk.row.state == ChunkRow::State::kLeased) {
    std::vector<int> rest;
    for (const int id : chunk.wallets) {
      const bool given = std::any_of(request.wallets.begin(), request.wallets.end(),
                                     [&](const auto wallet) { return wallet.value == id; });
      const bool done = wallets_.at(static_cast<std::size_t>(id)).done;
      (given && !done ? moved : rest).push_back(id);
    }
    chunk.wallets = rest;
  }
  answer.wallets_left = static_cast<std::uint32_t>(chunk.wallets.size());
  if (moved.empty()) {
    answer.created = Open(true);
  } else {
    answer.created.push_back(Create(std::move(moved), chunk.row.round));
  }
  return LedgerAnswer{answer};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::CloseRunRequest& request) {
  coordinator::RunClosed answer;
  answer.created = Open(true);
  if (Open(false).empty()) {
    std::vector<int> missing;
    for (std::size_t i = 0; i < wallets_.size(); ++i) {
      const bool is_over = wallets_[i].done || wallets_[i].failed;
      if (!is_over && StageOf(i) == stage_) missing.push_back(static_cast<int>(i));
    }
    if (missing.empty() && stage_ == 1) {
      stage_ = 2;
      PlanStage(request.workers);
      answer.created = Open(true);
      finished_ = answer.created.empty();
    } else if (missing.empty()) {
      finished_ = true;
    } else {
      answer.created.push_back(Create(missing, 0));
    }
  }
  answer.run = Run();
  return LedgerAnswer{answer};
}

MemoryLedger::Answer MemoryLedger::Do(const coordinator::ScheduleRequest&) {
  return LedgerAnswer{coordinator::Scheduled{}};
}

}  // namespace tests::cluster
