// A whole worker with chunks of trades: to the end, killed, poisoned, fenced.
#include "tests/worker/program_fixture.h"
#include "worker/store/trade_store.h"

namespace worker {
namespace {

TEST_F(ProgramTest, SyncsAWorldThenDrainsOnSigterm) {
  ServeWorld("--seed 4 --wallets 60 --fills 30000");
  Child worker("seine-worker", WorkerArguments("w-1"));
  Welcome();
  AssignAll();
  const auto finished = Await(proto::Envelope::kFinished).finished();
  EXPECT_EQ(static_cast<std::size_t>(finished.rows()), expected_rows_);
  EXPECT_EQ(static_cast<std::size_t>(Rows()), expected_rows_);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_sync WHERE status <> 2"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM wallet_sync WHERE complete_to = 0"), 0);
  DoneAck();
  worker.Signal(SIGTERM);
  Await(proto::Envelope::kBye);
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(ProgramTest, TokensAreResolvedWhereTheUpstreamKnowsThem) {
  ServeWorld("--seed 5 --wallets 10 --fills 2000");
  Child worker("seine-worker", WorkerArguments("w-1"));
  Welcome();
  AssignAll();
  Await(proto::Envelope::kFinished);
  EXPECT_GT(QueryInt("SELECT count(*) FROM token WHERE resolve_state = 1"), 0);
  EXPECT_GT(QueryInt("SELECT count(*) FROM trades_raw WHERE event_slug IS NOT NULL"), 0);
}

TEST_F(ProgramTest, KilledWorkerGoesOnWhereItWas) {
  ServeWorld("--seed 6 --wallets 2 --fills 60000");
  {
    Child worker("seine-worker", WorkerArguments("w-1"), {"SEINE_FAILPOINTS=after_commit@2=kill"});
    Welcome();
    AssignAll();
    ASSERT_EQ(worker.Wait(), 128 + SIGKILL);
  }
  const std::int64_t before = Rows();
  ASSERT_GT(before, 0);
  ASSERT_LT(static_cast<std::size_t>(before), expected_rows_);
  // The chunk is granted anew, with the cursors that the database has.
  Query("UPDATE chunk SET epoch = 9");
  Child worker("seine-worker", WorkerArguments("w-1"));
  Welcome();
  proto::Envelope message;
  auto& assign = *message.mutable_assign();
  assign.set_session(1);
  assign.set_term(1);
  assign.set_kind("trades");
  assign.set_source("auto");
  assign.set_run(1);
  assign.set_chunk(3);
  assign.set_epoch(9);
  const common::PgRows wallets = Query("SELECT wallet_id::bigint, address FROM wallet");
  for (int row = 0; row < wallets.size(); ++row) {
    auto& wallet = *assign.add_wallets();
    wallet.set_wallet_id(static_cast<std::int32_t>(wallets.Int64(row, 0)));
    wallet.set_address(wallets.Bytes(row, 1));
    const common::PgRows cursors = Query(
        "SELECT source::bigint, owned_from, complete_to, position FROM wallet_cursor WHERE "
        "wallet_id = " +
        std::to_string(wallet.wallet_id()));
    for (int i = 0; i < cursors.size(); ++i) {
      auto& cursor = *wallet.add_cursors();
      cursor.set_source(static_cast<std::uint32_t>(cursors.Int64(i, 0)));
      cursor.set_owned_from(cursors.Int64(i, 1));
      cursor.set_complete_to(cursors.Int64(i, 2));
      cursor.set_position(cursors.Bytes(i, 3));
    }
  }
  Send(message);
  const auto finished = Await(proto::Envelope::kFinished).finished();
  EXPECT_EQ(static_cast<std::size_t>(Rows()), expected_rows_);
  EXPECT_LE(static_cast<std::int64_t>(finished.rows()),
            static_cast<std::int64_t>(expected_rows_) - before);
}

// Each fill makes a row at least, so the bound is less than what the other rows take if kept.
TEST_F(ProgramTest, ALargeWalletTakesNoMoreMemoryThanASmallerOne) {
  constexpr int kFewer = 30'000;
  constexpr int kMore = 180'000;
  const auto peak_of = [&](const std::string& id, int fills) {
    url_ = tests::PostgresServer::Shared()->CreateDatabase();
    ServeWorld("--seed 7 --wallets 1 --fills 1 --whale-fills " + std::to_string(fills));
    EXPECT_GE(expected_rows_, static_cast<std::size_t>(fills));
    // What ASan keeps of freed memory would hide the difference.
    Child worker("seine-worker", WorkerArguments(id), {"ASAN_OPTIONS=quarantine_size_mb=1"});
    Welcome();
    AssignAll();
    peak_rss_ = 0;
    const auto finished = Await(proto::Envelope::kFinished, seconds(110)).finished();
    EXPECT_EQ(static_cast<std::size_t>(finished.rows()), expected_rows_);
    Await(proto::Envelope::kBeat);
    return peak_rss_;
  };
  const std::uint64_t fewer = peak_of("w-1", kFewer);
  const std::uint64_t more = peak_of("w-2", kMore);
  EXPECT_LT(more, fewer + (kMore - kFewer) * sizeof(store::TradeRow)) << "of " << fewer;
}

TEST_F(ProgramTest, SecondProcessOfOneIdEndsWith78) {
  ServeWorld("--seed 4 --wallets 1 --fills 10");
  Child first("seine-worker", WorkerArguments("w-1"));
  Welcome();
  Child second("seine-worker", WorkerArguments("w-1"));
  EXPECT_EQ(second.Wait(), 78);
}

TEST_F(ProgramTest, PoisonedWalletKillsAfterItWasTold) {
  ServeWorld("--seed 4 --wallets 3 --fills 300");
  Child worker("seine-worker", WorkerArguments("w-1"),
               {"SEINE_POISON_WALLET=" + addresses_.at(0) + "=kill"});
  Welcome();
  AssignAll();
  const auto in_flight = [&] {
    return last_beat_.leases_size() > 0 && last_beat_.leases(0).in_flight_size() > 0;
  };
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  while (!in_flight() && std::chrono::steady_clock::now() < until) Await(proto::Envelope::kBeat);
  EXPECT_TRUE(in_flight());
  EXPECT_EQ(worker.Wait(), 128 + SIGKILL);
}

TEST_F(ProgramTest, MissingDatabaseUrlIsSaidAndEndsWith1) {
  Child worker("seine-worker", {"--state-dir", directory_.path(), "--id", "w-1"});
  EXPECT_EQ(worker.Wait(), 1);
}

TEST_F(ProgramTest, WrongOptionEndsWith2) {
  Child worker("seine-worker", {"--id", "no/slash"});
  EXPECT_EQ(worker.Wait(), 2);
}

}  // namespace
}  // namespace worker
