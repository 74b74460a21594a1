// A whole worker with chunks of trades: to the end, killed, poisoned, fenced.
#include "tests/worker/program_fixture.h"

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
  ServeWorld("--seed 6 --wallets 2 --fills 60000", {"--latency-ms", "20"});
  {
    Child worker("seine-worker", WorkerArguments("w-1"));
    Welcome();
    AssignAll();
    const auto until = std::chrono::steady_clock::now() + seconds(30);
    while (Rows() == 0 && std::chrono::steady_clock::now() < until) poll(nullptr, 0, 20);
  }
  const std::int64_t before = Rows();
  ASSERT_GT(before, 0);
  ASSERT_LT(static_cast<std::size_t>(before), expected_rows_) << "it was killed too late";
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

// Far more rows than fit in the bound if they were kept.
TEST_F(ProgramTest, LargeWalletIsSyncedInLittleMemory) {
  ServeWorld("--seed 7 --wallets 1 --fills 1 --whale-fills 300000");
  Child worker("seine-worker", WorkerArguments("w-1"));
  Welcome();
  AssignAll();
  const auto finished = Await(proto::Envelope::kFinished, seconds(110)).finished();
  EXPECT_EQ(static_cast<std::size_t>(finished.rows()), expected_rows_);
  EXPECT_GE(expected_rows_, 300'000U);
  Await(proto::Envelope::kBeat);
  constexpr std::uint64_t kBound =
      SEINE_SANITIZED ? 600'000'000U : 150'000'000U;  // ASan keeps freed memory
  EXPECT_LT(last_beat_.rss_bytes(), kBound);
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
