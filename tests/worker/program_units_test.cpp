// A whole worker with chunks of units, against the simulator: what is in the tables in the end is
// what the world holds.
#include <algorithm>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <httplib.h>

#include "sim/blocks.h"
#include "tests/worker/program_fixture.h"

namespace worker {
namespace {

class UnitProgramTest : public ProgramTest {
 protected:
  // A worker with a session.
  void StartWorker() {
    worker_.emplace("seine-worker", WorkerArguments("w-1"));
    Welcome();
  }

  // Does a chunk of these units to its end.
  proto::Finished Do(const std::string& kind, const std::vector<std::string>& tasks) {
    const std::int64_t chunk = ++last_chunk_;
    Query(fmt::format("INSERT INTO run (run_id, kind, state) VALUES ({}, '{}', 'running')", chunk,
                      kind));
    Query(
        fmt::format("INSERT INTO chunk (chunk_id, run_id, kind, state, epoch, weight, wallets) "
                    "VALUES ({0}, {0}, '{1}', 'leased', {0}, 1, '{{}}')",
                    chunk, kind));
    proto::Envelope message;
    auto& assign = *message.mutable_assign();
    assign.set_session(1);
    assign.set_term(1);
    assign.set_kind(kind);
    assign.set_source("auto");
    assign.set_run(chunk);
    assign.set_chunk(chunk);
    assign.set_epoch(chunk);
    for (const std::string& task : tasks) {
      const common::PgRows unit =
          Query(fmt::format("INSERT INTO work_unit (kind, task) VALUES ('{}', '{}') ON CONFLICT "
                            "(kind, task) DO UPDATE SET kind = EXCLUDED.kind "
                            "RETURNING unit_id::bigint, position, complete_to",
                            kind, task));
      auto& wire = *assign.add_wallets();
      wire.set_wallet_id(static_cast<std::int32_t>(unit.Int64(0, 0)));
      wire.set_task(task);
      wire.set_position(unit.Bytes(0, 1));
      wire.set_complete_to(unit.Int64(0, 2));
    }
    Send(message);
    const proto::Finished finished = Await(proto::Envelope::kFinished, seconds(90)).finished();
    proto::Envelope ack;
    ack.mutable_done_ack()->set_session(1);
    ack.mutable_done_ack()->set_chunk(chunk);
    ack.mutable_done_ack()->set_epoch(chunk);
    Send(ack);
    EXPECT_EQ(finished.outcomes_size(), static_cast<int>(tasks.size()));
    for (const auto& outcome : finished.outcomes()) {
      EXPECT_EQ(outcome.kind(), kind_) << outcome.reason();
    }
    return finished;
  }

  // The oracle's rows of one subject; a header is not counted.
  std::size_t Expected(const std::string& what) const { return Oracle("--what " + what).size(); }
  std::vector<std::string> Oracle(const std::string& more) const {
    return OutputOf(std::string(SEINE_BIN_DIR) + "/seine-sim oracle " + world_ + " " + more);
  }
  std::size_t Count(const std::string& from) const {
    return static_cast<std::size_t>(QueryInt("SELECT count(*) FROM " + from));
  }

  // Tells the newest blocks as a fork; 0 ends it. Returns the newest of them.
  std::int64_t Reorganise(int depth) const {
    httplib::Client simulator("127.0.0.1", std::stoi(port_));
    const auto answer =
        simulator.Post("/sim/reorg", fmt::format(R"({{"depth":{}}})", depth), "application/json");
    const std::size_t at = answer ? answer->body.find("\"to\":") : std::string::npos;
    if (at == std::string::npos) throw std::runtime_error("the simulator does not answer");
    return std::stoll(answer->body.substr(at + 5));
  }
  // "<wallet> <second> <transaction> <log index>" of each fill.
  std::set<std::string> FillsSince(std::int64_t block) const {
    std::set<std::string> fills;
    for (const std::string& line : Oracle("--source rpc")) {
      std::istringstream fields(line);
      std::vector<std::string> field;
      for (std::string one; std::getline(fields, one, '\t');) field.push_back(one);
      if (std::stoll(field.at(1)) < sim::TimeOfBlock(block)) continue;
      fills.insert(field[0] + " " + field[1] + " " + field[2] + " " + field.back());
    }
    return fills;
  }
  std::set<std::string> StoredFills() const {
    std::set<std::string> fills;
    const common::PgRows rows = Query(
        "SELECT hex0x(w.address) || ' ' || t.ts || ' 0x' || lpad(to_hex(t.tx_head), 16, '0') || "
        "encode(t.tx_rest, 'hex') || ' ' || t.log_index FROM trade t JOIN wallet w USING "
        "(wallet_id)");
    for (int row = 0; row < rows.size(); ++row) fills.emplace(rows.Text(row, 0));
    return fills;
  }

  proto::WalletOutcome::Kind kind_ = proto::WalletOutcome::COMPLETE;
  std::optional<Child> worker_;
  std::int64_t last_chunk_ = 0;
};

TEST_F(UnitProgramTest, CatalogIsTheWorldsAndARefreshAddsNothing) {
  ServeWorld("--seed 11 --wallets 30 --fills 5000");
  StartWorker();
  const std::vector<std::string> lists = {"events open", "events closed", "markets open",
                                          "markets closed"};
  Do("markets", lists);
  EXPECT_EQ(Count("market"), Expected("markets"));
  EXPECT_EQ(Count("event"), Expected("events"));
  EXPECT_EQ(Count("token"), Expected("tokens"));
  EXPECT_GT(Count("market WHERE resolved"), 0U);
  const std::string newest = std::to_string(QueryInt("SELECT max(market_key) FROM market"));
  EXPECT_EQ(Do("markets", {"markets closed since=1"}).rows(), 0U);
  EXPECT_EQ(Count("market WHERE market_key > " + newest), 0U);
}

TEST_F(UnitProgramTest, ConditionsLeadToTheirWallets) {
  ServeWorld("--seed 12 --wallets 40 --fills 4000");
  StartWorker();
  Do("markets", {"events open", "events closed", "markets open", "markets closed"});
  std::vector<std::string> conditions;
  const common::PgRows rows = Query("SELECT '0x' || encode(condition_id, 'hex') FROM market");
  for (int row = 0; row < rows.size(); ++row) conditions.emplace_back(rows.Text(row, 0));
  Do("holders", conditions);
  std::set<std::string> found;
  const common::PgRows wallets = Query("SELECT '0x' || encode(address, 'hex') FROM wallet");
  for (int row = 0; row < wallets.size(); ++row) found.emplace(wallets.Text(row, 0));
  std::size_t known = 0;
  for (const std::string& address : addresses_) known += found.count(address);
  EXPECT_GT(known * 10, addresses_.size() * 8) << "of " << addresses_.size();
  EXPECT_EQ(found.size(), known) << "something that is no user was taken for one";
  EXPECT_EQ(Count("wallet_due"), found.size());
  EXPECT_EQ(Count("work_unit WHERE kind = 'holders' AND reached = 0"), 0U);
}

TEST_F(UnitProgramTest, ArchiveByTimeHasEveryV1FillOnce) {
  ServeWorld("--seed 13 --wallets 30 --fills 20000");
  StartWorker();
  Do("range", {"subgraph 1-1700000000", "subgraph 1700000001-head"});
  EXPECT_EQ(Count("trade"), Oracle("--source subgraph").size());
  EXPECT_EQ(QueryInt("SELECT sum(trades_stored)::bigint FROM wallet_sync"), Rows());
  const std::int64_t before = Rows();
  EXPECT_EQ(Do("range", {"subgraph 1600000000-1750000000"}).rows(), 0U);
  EXPECT_EQ(Rows(), before);
}

TEST_F(UnitProgramTest, ChainByBlocksHasEveryFillOnceWhateverTheNodeBears) {
  ServeWorld("--seed 14 --wallets 30 --fills 6000", {"--rpc-max-logs", "200", "--rpc-max-blocks",
                                                     "20000", "--rpc-head-after-newest", "600"});
  StartWorker();
  std::vector<std::string> spans;
  constexpr std::int64_t kFirst = 33'605'403;
  constexpr std::int64_t kStep = 10'000'000;
  for (std::int64_t from = kFirst; from < kFirst + 5 * kStep; from += kStep) {
    spans.push_back(fmt::format("rpc {}-{}", from, from + kStep - 1));
  }
  spans.push_back(fmt::format("rpc {}-head", kFirst + 5 * kStep));
  Do("range", spans);
  EXPECT_EQ(Count("trade"), Oracle("--source rpc").size());
  EXPECT_EQ(Count("work_unit WHERE status = 2 AND reached > 0"), spans.size());
}

// Of both spans some blocks are taken back after the first one is done: the second one tells them
// anew.
TEST_F(UnitProgramTest, SpanThatWasTakenBackIsToldAnewByTheNext) {
  ServeWorld("--seed 16 --wallets 30 --fills 20000", {"--rpc-head-after-newest", "600"});
  StartWorker();
  const std::int64_t newest = Reorganise(9'000) - 600;
  const std::int64_t begin = newest - 200'000;
  const std::int64_t border = newest - 400;
  const std::set<std::string> fills = FillsSince(begin);
  Do("range", {fmt::format("rpc {}-{}", begin, border - 10'000),
               fmt::format("rpc {}-{}", border - 9'999, border)});
  EXPECT_NE(StoredFills(), fills);
  Reorganise(0);
  Do("range", {fmt::format("rpc {}-head", border + 1)});
  EXPECT_EQ(StoredFills(), fills);
  EXPECT_EQ(QueryInt("SELECT sum(trades_stored)::bigint FROM wallet_sync"), Rows());
  EXPECT_EQ(Count("told_span"), 2U);
}

TEST_F(UnitProgramTest, ChainOfANodeThatIsBehindIsNotComplete) {
  ServeWorld("--seed 14 --wallets 30 --fills 200",
             {"--rpc-head-after-newest", "5000", "--fault", "frozen=1"});
  StartWorker();
  kind_ = proto::WalletOutcome::REJECTED;
  const auto finished = Do("range", {fmt::format("rpc {}-head", 94'360'000)});
  EXPECT_NE(finished.outcomes(0).reason().find("minutes behind"), std::string::npos);
}

TEST_F(UnitProgramTest, ActivityAndPositionsAreTheWallets) {
  ServeWorld("--seed 15 --wallets 25 --fills 4000");
  StartWorker();
  Do("activity", addresses_);
  EXPECT_EQ(Count("activity"), Expected("activity"));
  Do("positions", addresses_);
  EXPECT_EQ(Count("position"), Expected("positions"));
  EXPECT_GT(Count("portfolio_value"), 0U);
  Do("activity", addresses_);
  EXPECT_EQ(Count("activity"), Expected("activity"));
  Do("positions", addresses_);
  EXPECT_EQ(Count("position"), Expected("positions"));
}

TEST_F(UnitProgramTest, UnknownKindIsGivenBack) {
  ServeWorld("--seed 4 --wallets 1 --fills 10");
  StartWorker();
  proto::Envelope message;
  auto& assign = *message.mutable_assign();
  assign.set_session(1);
  assign.set_term(1);
  assign.set_kind("dreams");
  assign.set_chunk(77);
  assign.set_epoch(5);
  auto& unit = *assign.add_wallets();
  unit.set_wallet_id(1);
  unit.set_task("of electric sheep");
  Send(message);
  const auto release = Await(proto::Envelope::kRelease).release();
  EXPECT_EQ(release.chunk(), 77);
  EXPECT_EQ(release.wallets_size(), 0);
}

}  // namespace
}  // namespace worker
