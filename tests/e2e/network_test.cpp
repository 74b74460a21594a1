// The network misbehaves: partitions, resets, delays, two coordinators, strangers (F6 to F10,
// F13, F17, F20, F26).
//
// Each case proves that its fault happened: the proxy counts what it did to the bytes, and the
// coordinator counts what it made of it.
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>

#include "common/postgres.h"
#include "tests/e2e/fleet.h"
#include "tests/e2e/proxy.h"
#include "tests/e2e/strangers.h"

namespace e2e {
namespace {

using std::chrono::milliseconds;

const Arguments kSlowly = {"--latency-ms", "250"};  // the harm comes while there is work
constexpr Seconds kSoon{60};  // what happens within seconds on a machine that is not busy

class NetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
  }

  void StartAll(Timings timings, const Arguments& simulator = {"--latency-ms", "80"}) {
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared(), timings);
    fleet_->StartSimulator(world_, simulator);
    fleet_->StartCoordinator();
  }
  // The coordinator as it is seen through a bad network.
  std::unique_ptr<Proxy> ProxyOfCoordinator() {
    return std::make_unique<Proxy>(fleet_->ListenAddress());
  }
  void StartWorker(const std::string& id, Arguments arguments = {}) {
    for (const char* more : {"--in-flight", "4"}) arguments.emplace_back(more);
    fleet_->StartWorker(id, {}, arguments);
  }
  void StartWorkerThrough(const Proxy& proxy, const std::string& id) {
    StartWorker(id, {"--connect", proxy.Address()});
  }
  void ExpectCompleteAndEqual(int run) {
    fleet_->ExpectOutcome(run, "complete");
    fleet_->ExpectOracle();
  }
  // Who changes chunks and runs, and in whose term.
  void NoteWhoWrites() {
    fleet_->Value("CREATE TABLE noted (who text, term bigint)");
    fleet_->Value(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO noted "
        "SELECT current_setting(''application_name''), term FROM coordinator_lease; RETURN NULL; "
        "END'");
    for (const char* table : {"chunk", "run"}) {
      fleet_->Value(std::string("CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON ") +
                    table + " FOR EACH ROW EXECUTE FUNCTION note()");
    }
  }
  int Noted(const std::string& where) {
    const std::string count = fleet_->Value("SELECT count(*) FROM noted WHERE " + where);
    return count.empty() ? -1 : std::stoi(count);
  }
  bool AwaitMetric(const std::string& name, long long at_least, Seconds timeout = kSoon) {
    return Eventually(timeout, [&] { return fleet_->Metric(name) >= at_least; });
  }
  bool AwaitLog(const std::string& worker, const std::string& text) {
    return Eventually(kSoon, [&] { return fleet_->Log(worker).find(text) != std::string::npos; });
  }

  WorldSize world_{.wallets = 80, .fills = 10000, .seed = "7", .more = {}};
  std::unique_ptr<Fleet> fleet_;
};

// F7, shorter than the lease: the worker misses its coordinator, opens another connection and is
// met with silence, while it goes on committing. Afterwards its lease is still its own. The
// upstream is held until then, lest the work ends first.
TEST_F(NetworkTest, AShortPartitionCostsNoLease) {
  StartAll(Timings::kProduction, kSlowly);
  const auto proxy = ProxyOfCoordinator();
  StartWorkerThrough(*proxy, "worker-1");
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  proxy->Partition();
  const long long before = fleet_->StoredTrades();
  EXPECT_TRUE(fleet_->AwaitTrades(before + 1, kSoon)) << "no commits without a coordinator";
  fleet_->HoldUpstream();
  EXPECT_TRUE(Eventually(kSoon, [&] { return proxy->counts().silent > 0; }));
  proxy->Heal();
  EXPECT_GT(proxy->counts().held, 0U);
  EXPECT_TRUE(AwaitMetric("seine_adopted_total", 1));
  fleet_->ReleaseUpstream();
  ExpectCompleteAndEqual(run);
  EXPECT_EQ(fleet_->Metric("seine_deaths_total"), 0);
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_blame"), "0");
}

// F7, longer than the lease and than TCP's patience: the work goes to the other one, and what the
// lost one still has is refused by the database. Then it comes back and is given new work.
TEST_F(NetworkTest, ALongPartitionGivesTheWorkToAnother) {
  StartAll(Timings::kShort, kSlowly);
  const auto proxy = ProxyOfCoordinator();
  StartWorkerThrough(*proxy, "worker-1");
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  proxy->Partition();
  fleet_->HoldUpstream();  // what is begun outlasts the lease
  StartWorker("worker-2");
  EXPECT_TRUE(AwaitMetric("seine_deaths_total", 1));
  EXPECT_TRUE(AwaitMetric("seine_reclaims_total", 1));
  fleet_->ReleaseUpstream();
  EXPECT_TRUE(AwaitLog("worker-1", " fenced chunk=")) << "it wrote on under another's lease";
  proxy->CutAll();
  EXPECT_GT(proxy->counts().held, 0U) << "nothing was lost on the way";
  proxy->Heal();
  EXPECT_TRUE(fleet_->AwaitWorkers(2));
  ExpectCompleteAndEqual(run);
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_sync WHERE quarantined"), "0");
}

// The database as a worker sees it through a bad network.
class DatabaseLinkTest : public NetworkTest {
 protected:
  void StartWorkerThroughProxy() {
    const auto& server = *tests::PostgresServer::Shared();
    proxy_ =
        std::make_unique<Proxy>(server.directory() + "/.s.PGSQL." + std::to_string(server.port()));
    const std::string name = fleet_->Value("SELECT current_database()");
    const std::string host = "127.0.0.1:" + std::to_string(proxy_->port());
    StartWorker("worker-1", {"--database", "postgresql://seine@" + host + "/" + name});
  }

  std::unique_ptr<Proxy> proxy_;
};

// F8: the worker beats and cannot store. Nothing moves and nobody dies. Then it gives its
// connection up, which the database never learns: what is half written there is in nobody's way.
TEST_F(DatabaseLinkTest, AWorkerWithoutItsDatabaseWaitsForIt) {
  StartAll(Timings::kShort, kSlowly);
  StartWorkerThroughProxy();
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(500));
  proxy_->Partition();
  const std::string cursors =
      "SELECT md5(string_agg(wallet_id || ' ' || encode(position, 'hex'), ',' ORDER BY wallet_id, "
      "source)) FROM wallet_cursor";
  // What the server had before the partition may still be committed.
  std::string before;
  ASSERT_TRUE(Eventually(kSoon, [&] {
    before = fleet_->Value(cursors);
    PauseFor(Seconds{0.5});
    return fleet_->Value(cursors) == before;
  }));
  const long long stored = fleet_->StoredTrades();
  PauseFor(Seconds{1.5});
  EXPECT_EQ(fleet_->Value(cursors), before);
  EXPECT_EQ(fleet_->StoredTrades(), stored);
  EXPECT_TRUE(Eventually(kSoon, [&] { return fleet_->Metric("seine_workers_live") == 1; }))
      << "it beats all the same";
  proxy_->Abandon();
  EXPECT_GT(proxy_->counts().held, 0U) << "no commit was on its way";
  proxy_->Heal();
  ExpectCompleteAndEqual(run);
  EXPECT_GE(proxy_->counts().connections, 2U);
}

// F13: with its database out of reach a worker cannot finish its work, but it can go. Another takes
// the work, also where the database does not know yet that the first is gone.
TEST_F(DatabaseLinkTest, AWorkerWithoutItsDatabaseCanBeDrained) {
  StartAll(Timings::kShort, kSlowly);
  StartWorkerThroughProxy();
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(500));
  proxy_->Partition();
  for (const char* mode : {"mode=graceful", "mode=quick"}) {
    fleet_->worker("worker-1").Signal(SIGTERM);
    ASSERT_TRUE(AwaitLog("worker-1", mode));
  }
  EXPECT_EQ(fleet_->worker("worker-1").Wait(kSoon), 0);
  StartWorker("worker-2");
  ExpectCompleteAndEqual(run);
  proxy_->CutAll();
  EXPECT_GT(proxy_->counts().held, 0U) << "no commit was on its way";
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_blame"), "0");
}

// F20: others have taken every connection that the database gives.
TEST_F(DatabaseLinkTest, EveryConnectionIsTakenForAWhile) {
  StartAll(Timings::kShort, kSlowly);
  StartWorker("worker-1");
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  fleet_->worker("worker-1").Kill9();
  std::vector<common::PgConnection> taken;
  for (;;) {
    auto connection = common::PgConnection::Open(fleet_->database_url());
    if (!connection) break;
    taken.push_back(std::move(*connection));
  }
  StartWorker("worker-1");
  EXPECT_TRUE(AwaitLog("worker-1", "too many clients"));
  taken.clear();
  ExpectCompleteAndEqual(run);
}

// F9: every connection is reset several times a second, and whatever was on its way is lost.
TEST_F(NetworkTest, ResetsAllTheTimeLoseNothing) {
  StartAll(Timings::kProduction, {"--latency-ms", "150"});
  const auto proxy = ProxyOfCoordinator();
  for (const char* worker : {"worker-1", "worker-2"}) StartWorkerThrough(*proxy, worker);
  ASSERT_TRUE(fleet_->AwaitWorkers(2));
  const int run = fleet_->StartRun();
  proxy->CutEach(milliseconds(700));
  EXPECT_TRUE(Eventually(kSoon, [&] { return proxy->counts().resets >= 8; }));
  EXPECT_TRUE(AwaitMetric("seine_adopted_total", 1)) << "no lease outlived its connection";
  ExpectCompleteAndEqual(run);
  EXPECT_GE(proxy->counts().connections, 8U);
}

// F10: slow is not dead.
TEST_F(NetworkTest, ASlowLinkKillsNobody) {
  StartAll(Timings::kProduction);
  const auto proxy = ProxyOfCoordinator();
  proxy->Delay(milliseconds(200), milliseconds(100));
  for (const char* worker : {"worker-1", "worker-2"}) StartWorkerThrough(*proxy, worker);
  ExpectCompleteAndEqual(fleet_->StartRun());
  EXPECT_GT(proxy->counts().delayed, 10000U);
  EXPECT_EQ(fleet_->Metric("seine_deaths_total"), 0);
  EXPECT_EQ(fleet_->Metric("seine_reclaims_total"), 0);
}

// F6: the coordinator freezes, another takes over, and the first wakes up in the belief that its
// term is still good: the database says so no more, while its own clock still would. Who writes is
// noted by the database itself.
TEST_F(NetworkTest, ACoordinatorThatWakesUpInAnothersTermWritesNothing) {
  fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  fleet_->StartSimulator(world_, kSlowly);
  const std::string url = fleet_->database_url();
  fleet_->UseDatabaseUrl(url + "&application_name=first");
  fleet_->StartCoordinator();
  const std::string first_http = fleet_->HttpAddress();
  const auto proxy = ProxyOfCoordinator();
  StartWorkerThrough(*proxy, "worker-1");
  StartWorker("worker-2");  // nobody tells it of the other coordinator
  ASSERT_TRUE(fleet_->AwaitWorkers(2));
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));

  fleet_->UseDatabaseUrl(url + "&application_name=second");
  Process& first = fleet_->StartAnotherCoordinator();
  EXPECT_EQ(fleet_->Metric("seine_term"), 0) << "two coordinators at a time";
  const long long old_term = Fleet::MetricOf(first_http, "seine_term");
  NoteWhoWrites();
  EXPECT_TRUE(Eventually(kSoon, [&] { return Noted("who = 'first'") > 0; }));
  fleet_->HoldUpstream();  // there is work left for the second

  first.Signal(SIGSTOP);
  fleet_->Value("UPDATE coordinator_lease SET expires_at = now()");
  ASSERT_TRUE(AwaitMetric("seine_term", old_term + 1));
  proxy->Redirect(fleet_->ListenAddress());
  proxy->CutAll();
  EXPECT_TRUE(fleet_->AwaitWorkers(1));
  fleet_->ReleaseUpstream();
  ASSERT_TRUE(Eventually(kSoon, [&] { return Noted("who = 'second'") > 0; }));
  first.Signal(SIGCONT);
  EXPECT_TRUE(Eventually(kSoon, [&] { return Fleet::MetricOf(first_http, "seine_term") == 0; }));

  ExpectCompleteAndEqual(run);
  EXPECT_TRUE(first.Running()) << "it stands by";
  EXPECT_EQ(Fleet::MetricOf(first_http, "seine_term"), 0);
  EXPECT_EQ(fleet_->Metric("seine_term"), old_term + 1);
  const std::string over = "term > " + std::to_string(old_term);
  EXPECT_EQ(Noted("who = 'first' AND " + over), 0) << "an old term wrote";
  EXPECT_EQ(Noted("who = 'second' AND NOT " + over), 0);
}

// F26: nobody's words can be written down.
TEST_F(NetworkTest, AFullDiskUnderTheLogsStopsNobody) {
  fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  fleet_->StartSimulator(world_);
  for (const char* name : {"state-coordinator", "worker-1", "worker-2"}) {
    std::filesystem::create_symlink("/dev/full", fleet_->directory() + "/" + name + ".log");
  }
  fleet_->StartCoordinator();
  for (const char* worker : {"worker-1", "worker-2"}) StartWorker(worker);
  ExpectCompleteAndEqual(fleet_->StartRun());
}

// F17: ten thousand strangers at the coordinator's door, some dumb, some garbled, some half polite.
TEST_F(NetworkTest, TenThousandStrangersHarmNobody) {
  StartAll(Timings::kProduction);
  for (const char* worker : {"worker-1", "worker-2"}) StartWorker(worker);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(300));
  const std::string address = fleet_->ListenAddress();
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  const pid_t coordinator = fleet_->coordinator().pid();
  EXPECT_EQ(SendStrangers(port, 1000), 1000);  // after them its pools are as large as they get
  const long long before = ResidentBytes(coordinator);
  EXPECT_EQ(SendStrangers(port, 9000), 9000);
  const long long growth = ResidentBytes(coordinator) - before;
  // A sanitizer keeps what was freed for a while.
  constexpr long long kMost = (SEINE_SANITIZED != 0 ? 384LL : 24LL) << 20;
  EXPECT_LT(growth, kMost);
  RecordProperty("growth", std::to_string(growth));
  ExpectCompleteAndEqual(run);
  EXPECT_TRUE(fleet_->coordinator().Running());
  EXPECT_EQ(fleet_->Metric("seine_deaths_total"), 0);
  EXPECT_EQ(fleet_->Get("/api/workers")["workers"].size(), 2U);
  EXPECT_GT(fleet_->Metric("seine_malformed_messages_total") +
                fleet_->Metric("seine_handshake_failures_total"),
            0);
}

}  // namespace
}  // namespace e2e
