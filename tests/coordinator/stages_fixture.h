// Stages and units on a real PostgreSQL: what a worker would write is written by hand.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/failpoint.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/postgres_ledger.h"
#include "tests/support/postgres_test.h"

namespace coordinator {

class StagesTest : public tests::PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    ledger_.emplace(url_, "here");
    term_ = ledger_->HoldTerm({}).value();
  }
  void TearDown() override { EXPECT_TRUE(common::ArmFailpoints("").has_value()); }

  // A coordinator that is started with this schedule.
  void Schedule(const std::vector<ScheduleWish>& schedule) {
    ledger_.emplace(url_, "here", std::chrono::seconds(15), schedule);
    term_ = ledger_->HoldTerm({}).value();
  }
  template <typename T>
  T Ask(const LedgerRequest& request) {
    auto answer = ledger_->Perform(term_, request);
    EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().message);
    return std::get<T>(std::move(answer).value());
  }
  std::vector<ChunkRow> Begin(const std::string& action, const std::string& source = "auto") {
    RunWish wish;
    wish.action = action;
    wish.source = source;
    const auto run = AdminLedger(url_).CreateRun(wish);
    EXPECT_TRUE(run.has_value()) << (run ? "" : run.error().message);
    run_ = run->run;
    return Ask<Planned>(PlanRequest{run_, 2}).chunks;
  }
  std::vector<WalletRow> UnitsOf(const ChunkRow& chunk) {
    return Ask<Prepared>(PrepareRequest{{chunk.id}}).contents.at(0).wallets;
  }
  common::Epoch Grant(const ChunkRow& chunk) {
    const auto granted = Ask<Granted>(GrantRequest{{{chunk.id, chunk.epoch, {"w-1"}}}});
    return granted.grants.at(0).epoch.value_or(common::Epoch{-1});
  }
  // As a worker does it in its own transaction.
  void MarkDone(common::WalletId unit, const std::string& more = "") {
    Query("UPDATE work_unit SET status = 2, done_run = " + std::to_string(run_.value) + more +
          " WHERE unit_id = " + std::to_string(unit.value));
  }
  FinishedAnswer FinishAll(const ChunkRow& chunk, const std::string& more = "") {
    const auto units = UnitsOf(chunk);
    const auto epoch = Grant(chunk);
    for (const WalletRow& unit : units) MarkDone(unit.id, more);
    return Ask<FinishedAnswer>(FinishRequest{run_, chunk.id, epoch, {}, {}});
  }
  // Works through the stage under way, and returns the chunks of the next one.
  std::vector<ChunkRow> FinishStage(const std::vector<ChunkRow>& chunks,
                                    const std::string& more = "") {
    for (const ChunkRow& chunk : chunks) EXPECT_TRUE(FinishAll(chunk, more).closed);
    return Ask<RunClosed>(CloseRunRequest{run_, {}, 2}).created;
  }
  // The same up to the chunks of that kind, if the run gets there.
  std::vector<ChunkRow> GoOnTo(const std::string& kind, std::vector<ChunkRow> chunks) {
    while (!chunks.empty() && chunks[0].kind != kind) chunks = FinishStage(chunks);
    return chunks;
  }
  void AddMarket(int number, const std::string& volume, const std::string& closed = "false") {
    Query("INSERT INTO market (condition_id, volume, closed, closed_time) VALUES (decode(lpad('" +
          std::to_string(number) + "', 64, '0'), 'hex'), " + volume + ", " + closed + ", now())");
  }
  RunRow Run() { return AdminLedger(url_).Run(run_).value(); }

  std::optional<PostgresLedger> ledger_;
  common::Term term_;
  common::RunId run_;
};

}  // namespace coordinator
