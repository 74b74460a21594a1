// The parts around us misbehave: database, upstream, disks, a wallet that kills (F8, F15, F19,
// F21, F22).
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/e2e/fleet.h"

namespace e2e {
namespace {

namespace fs = std::filesystem;

class HarmTest : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::PostgresServer::Shared() == nullptr)
      GTEST_SKIP() << "PostgreSQL is not installed here";
    fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  }

  void StartAll(const Arguments& simulator, int workers = 2) {
    fleet_->StartSimulator(world_, simulator);
    fleet_->StartCoordinator();
    for (int i = 1; i <= workers; ++i) StartWorker(i);
  }

  void StartWorker(int number, const Environment& environment = {}) {
    fleet_->StartWorker("worker-" + std::to_string(number), environment, {"--in-flight", "4"});
  }
  bool HasLogged(const std::string& part) const {
    return fleet_->Log("worker-1").find(part) != std::string::npos;
  }

  void ExpectCompleteAndEqual(int run) {
    fleet_->ExpectOutcome(run, "complete");
    fleet_->ExpectOracle();
  }

  WorldSize world_{.wallets = 80, .fills = 10000, .seed = "7", .more = {}};
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(HarmTest, PostgresIsKilledTwiceInTheMiddle) {
  StartAll({"--latency-ms", "80"});
  const int run = fleet_->StartRun();
  for (const long long trades : {500LL, 3000LL}) {
    fleet_->AwaitTrades(trades, Seconds{20});
    tests::PostgresServer::Shared()->Kill9();
    (void)tests::PostgresServer::Shared()->Restart();
  }
  ExpectCompleteAndEqual(run);
}

TEST_F(HarmTest, AWalletThatKillsItsWorkersIsQuarantinedAndTheOthersComplete) {
  fleet_->StartSimulator(world_);
  fleet_->StartCoordinator();
  const std::vector<std::string> wallets = fleet_->Wallets();
  const Environment poison = {{"SEINE_POISON_WALLET", wallets[3] + "=kill"}};
  StartWorker(1, poison);
  const int run = fleet_->StartRunOf(wallets);
  int deaths = 0;
  ASSERT_TRUE(Eventually(kRunDeadline, [&] {
    if (!fleet_->worker("worker-1").Running()) {
      ++deaths;
      StartWorker(1, poison);
    }
    return fleet_->AwaitFinished(run, Seconds{0});
  }));
  EXPECT_GE(deaths, 3);
  fleet_->ExpectOutcome(run, "incomplete");
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_sync WHERE quarantined"), "1");
  EXPECT_EQ(
      fleet_->Value("SELECT count(*) FROM wallet_sync_metadata WHERE sync_status = 'completed'"),
      std::to_string(wallets.size() - 1));
}

TEST_F(HarmTest, AWalletTheUpstreamRefusesIsSetAsideWithItsReason) {
  StartAll({});
  std::vector<std::string> wallets = fleet_->Wallets();
  wallets.emplace_back("0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e");  // the exchange: a 400
  fleet_->ExpectOutcome(fleet_->StartRunOf(wallets), "incomplete");
  EXPECT_EQ(fleet_->Value("SELECT count(*) FROM wallet_sync_metadata WHERE sync_status = 'failed' "
                          "AND last_error <> ''"),
            "1");
  fleet_->ExpectOracle();
}

// F21: a checkpoint is a cache; whatever becomes of it, the database decides.
class CheckpointHarmTest : public HarmTest, public testing::WithParamInterface<const char*> {
 protected:
  static void Damage(const std::string& how, const fs::path& file) {
    if (how == "missing") fs::remove(file);
    if (how == "truncated") {
      fs::resize_file(file, fs::file_size(file) * 2 / 3);
      std::ofstream(file, std::ios::app) << '\n';  // else this might be the end of a record
    }
    if (how != "flipped") return;
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(fs::file_size(file) / 2));
    const char byte = static_cast<char>(stream.peek() ^ 0x40);
    stream.seekp(stream.tellg());
    stream.put(byte);
  }
};
TEST_P(CheckpointHarmTest, NothingIsLostOrDoubled) {
  StartAll({"--latency-ms", "80"}, 1);
  const int run = fleet_->StartRun();
  ASSERT_TRUE(fleet_->AwaitTrades(2000));
  const fs::path file = fs::path(fleet_->WorkerDirectory("worker-1")) / "checkpoint.log";
  const fs::path early = fleet_->directory() + "/early.log";
  fs::copy_file(file, early);
  fleet_->AwaitTrades(4000);
  fleet_->worker("worker-1").Kill9();
  if (std::string(GetParam()) == "behind") {
    fs::copy_file(early, file, fs::copy_options::overwrite_existing);
  } else if (std::string(GetParam()) == "ahead") {  // as after restoring an older database
    (void)fleet_->Value(
        "WITH gone AS (DELETE FROM trade WHERE ts > 0 RETURNING 1), "
        "a AS (DELETE FROM wallet_cursor RETURNING 1), "
        "b AS (DELETE FROM wallet_sync RETURNING 1) SELECT count(*) FROM gone");
  } else {
    Damage(GetParam(), file);
  }
  StartWorker(1);
  ExpectCompleteAndEqual(run);
  const bool is_flipped = std::string(GetParam()) == "flipped";
  EXPECT_EQ(HasLogged("the checkpoint is damaged at byte"), is_flipped);
  EXPECT_EQ(fs::exists(file.string() + ".damaged"), is_flipped);
  // A worker that is killed may tear a record by itself.
  const bool is_torn = HasLogged("torn bytes at its end");
  EXPECT_TRUE(is_torn || std::string(GetParam()) != "truncated");
}
INSTANTIATE_TEST_SUITE_P(Each, CheckpointHarmTest,
                         testing::Values("missing", "truncated", "flipped", "behind", "ahead"));

TEST_F(HarmTest, AFullDiskUnderTheCheckpointLosesNothing) {
  fleet_->StartSimulator(world_);
  fleet_->StartCoordinator();
  const std::string small = fleet_->WorkerDirectory("worker-1");
  fs::create_directories(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=16k") != 0)
    GTEST_SKIP() << "mounting a tmpfs needs root";
  std::ofstream(small + "/filler") << std::string(1 << 20, 'x');
  StartWorker(1);
  const int run = fleet_->StartRun();
  EXPECT_TRUE(Eventually(kRunDeadline, [&] { return HasLogged("checkpoint_not_written"); }));
  fs::remove(small + "/filler");
  const bool finished = fleet_->AwaitFinished(run);
  fleet_->worker("worker-1").Kill9();
  umount2(small.c_str(), MNT_DETACH);
  EXPECT_TRUE(finished);
  ExpectCompleteAndEqual(run);
}

// F22: each kind of upstream fault by itself, often enough to be met; the simulator counts them.
struct Fault {
  const char* name;
  const char* rate = "0.15";
};
// What only strikes pages that have a next one must strike more of them.
constexpr const char* kOften = "0.3";
// What would take long if it struck more of them.
constexpr const char* kSeldom = "0.02";

class UpstreamFaultTest : public HarmTest, public testing::WithParamInterface<Fault> {};
TEST_P(UpstreamFaultTest, TheRunCompletesAndEqualsTheOracle) {
  const Fault& fault = GetParam();
  world_.fills = 24000;  // most of them in one walk of many pages, which page faults need
  world_.more = {"--whale-fills", "20000"};
  StartAll({"--fault", std::string(fault.name) + "=" + fault.rate, "--drip-ms", "500"});
  ExpectCompleteAndEqual(fleet_->StartRun());
  const Json stats = fleet_->SimulatorStats();
  EXPECT_GT(stats["faults"].value(fault.name, 0), 0) << stats.dump();
}
INSTANTIATE_TEST_SUITE_P(Each, UpstreamFaultTest,
                         testing::Values(Fault{"429"}, Fault{"503"}, Fault{"522"},
                                         Fault{"errors200"}, Fault{"cut"}, Fault{"garbled"},
                                         Fault{"reset"}, Fault{"repeated_page", kOften},
                                         Fault{"stale_first_page", kOften},
                                         Fault{"empty_page", kOften}, Fault{"wrong_content_type"},
                                         Fault{"no_cursor", kOften}, Fault{"drip"},
                                         Fault{"retry_after_date", "0.05"}),
                         [](const auto& fault) { return "of_" + std::string(fault.param.name); });

// Nobody is answered until thirty have struck; those who asked leave the upstream alone then.
TEST_F(HarmTest, ThirtyRefusalsInARowCostFewRequests) {
  world_.wallets = 240;
  const auto start = [&] {
    fleet_->StartSimulator(world_, {"--latency-ms", "300"});
    fleet_->StartCoordinator();
    for (const char* id : {"worker-1", "worker-2", "worker-3"}) fleet_->StartWorker(id);
    return fleet_->StartRun();
  };
  const auto requests = [&] {
    const Json stats = fleet_->SimulatorStats();
    long long sum = 0;
    for (const Json& count : stats["requests"]) sum += count.get<long long>();
    return sum;
  };
  ExpectCompleteAndEqual(start());
  const long long calm = requests();
  fleet_ = std::make_unique<Fleet>(*tests::PostgresServer::Shared());
  const int run = start();
  ASSERT_TRUE(fleet_->AwaitTrades(1));
  fleet_->SetFaults({{"faults", {"503=1"}}, {"latency_ms", 300}});
  const auto struck = [&] {
    return fleet_->SimulatorStats()["faults"].value("503", 0);
  };
  EXPECT_TRUE(Eventually(kRunDeadline, [&] { return struck() >= 30; })) << struck();
  fleet_->SetFaults(Json::object());
  ExpectCompleteAndEqual(run);
  EXPECT_LE(requests(), 2 * calm);
}

// As often as each has to strike surely, and not so often that the upstream is left alone.
TEST_F(HarmTest, EverythingAtOnceFromTheSubgraphToo) {
  Arguments simulator = {"--profile", "nasty", "--burst", "1", "--drip-ms", "500"};
  for (const char* endpoint : {"subgraph", "data_trades"}) {
    simulator.insert(simulator.end(), {"--limit", std::string(endpoint) + "=0"});
  }
  const std::map<std::string, const char*> expected = {{"429", kSeldom},
                                                       {"503", kSeldom},
                                                       {"522", kSeldom},
                                                       {"errors200", kSeldom},
                                                       {"cut", kSeldom},
                                                       {"garbled", kSeldom},
                                                       {"drip", kSeldom},
                                                       {"reset", kSeldom},
                                                       {"repeated_page", "0.2"},
                                                       {"wrong_content_type", kSeldom},
                                                       {"retry_after_date", kSeldom}};
  for (const auto& [kind, rate] : expected) {
    simulator.insert(simulator.end(), {"--fault", kind + "=" + rate});
  }
  world_ = {.wallets = 250, .fills = 44000, .seed = "7", .more = {"--whale-fills", "24000"}};
  StartAll(simulator, 4);
  fleet_->ExpectOutcome(fleet_->StartRun("subgraph"), "complete");
  fleet_->ExpectOracle("subgraph");
  const Json stats = fleet_->SimulatorStats();
  for (const auto& [kind, rate] : expected) {
    EXPECT_GT(stats["faults"].value(kind, 0), 0) << kind << ": " << stats.dump();
  }
}

}  // namespace
}  // namespace e2e
