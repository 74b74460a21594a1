#include "coordinator/ledger_loop.h"

#include <gtest/gtest.h>

#include "coordinator/postgres_ledger.h"
#include "tests/support/postgres.h"

namespace coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A server of its own, for it is stopped and killed.
class LedgerLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = tests::PostgresServer::Start();
    if (!server) GTEST_SKIP() << server.error().message;
    server_ = std::move(*server);
    ledger_ = std::make_unique<PostgresLedger>(url_ = server_->CreateDatabase(), "test");
    reader_ = std::make_unique<PostgresLedger>(url_, "test");
  }
  void Start() {
    loop_ = std::make_unique<LedgerLoop>(
        *ledger_, *reader_, clock_,
        LedgerTimings{milliseconds(100), milliseconds(600), milliseconds(50)});
  }
  template <typename T>
  T Next() {
    const auto deadline = clock_.Now() + seconds(20);
    while (clock_.Now() < deadline) {
      auto event = loop_->events().WaitPop(milliseconds(100));
      if (event && std::holds_alternative<T>(*event)) return std::get<T>(std::move(*event));
    }
    ADD_FAILURE() << "nothing came";
    return T{};
  }

  common::SystemClock clock_;
  std::string url_;
  std::unique_ptr<tests::PostgresServer> server_;
  std::unique_ptr<PostgresLedger> ledger_;
  std::unique_ptr<PostgresLedger> reader_;
  std::unique_ptr<LedgerLoop> loop_;
};

TEST_F(LedgerLoopTest, AnswersUnderTheTermThatItHolds) {
  Start();
  const auto term = Next<TermHeld>().term;
  EXPECT_TRUE(loop_->Ask(term, LoadRequest{}));
  EXPECT_TRUE(std::holds_alternative<Loaded>(Next<Answered>().answer));
  EXPECT_EQ(loop_->trouble(), "");
}

TEST_F(LedgerLoopTest, WhatIsAskedUnderAnOlderTermIsForgotten) {
  Start();
  const auto term = Next<TermHeld>().term;
  loop_->Ask({term.value - 1}, LoadRequest{});
  loop_->Ask(term, PrepareRequest{});
  EXPECT_TRUE(std::holds_alternative<Prepared>(Next<Answered>().answer));
}

TEST_F(LedgerLoopTest, AShortOutageOnlyDelays) {
  Start();
  const auto term = Next<TermHeld>().term;
  server_->Kill9();
  loop_->Ask(term, LoadRequest{});
  ASSERT_TRUE(server_->Restart().has_value());
  // Within the trusted time the term stays, beyond it there is a new one.
  const auto deadline = clock_.Now() + seconds(20);
  bool went_on = false;
  while (!went_on && clock_.Now() < deadline) {
    const auto event = loop_->events().WaitPop(milliseconds(100));
    went_on = event && !std::holds_alternative<TermLost>(*event);
  }
  EXPECT_TRUE(went_on);
}

TEST_F(LedgerLoopTest, ALongOutageEndsTheTermAndTheDatabaseGivesANewOne) {
  Start();
  const auto term = Next<TermHeld>().term;
  server_->Kill9();
  EXPECT_FALSE(Next<TermLost>().replaced);
  EXPECT_NE(loop_->trouble(), "");
  ASSERT_TRUE(server_->Restart().has_value());
  EXPECT_GT(Next<TermHeld>().term, term);
}

TEST_F(LedgerLoopTest, StepsDownForAnother) {
  Start();
  Next<TermHeld>();
  // The same holder may take over at once, as after a restart that this process slept through.
  PostgresLedger successor(url_, "test");
  ASSERT_TRUE(successor.HoldTerm({}).has_value());
  EXPECT_TRUE(Next<TermLost>().replaced);
}

}  // namespace
}  // namespace coordinator
