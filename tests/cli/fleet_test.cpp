// The real supervisor and guardian over small programs that play coordinator and workers.
#include "cli/fleet.h"

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "cli/borrowed_fleet.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/fleet_settings.h"
#include "cli/process.h"
#include "tests/cli/scripted_coordinator.h"
#include "tests/cli/temporary_folder.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kCoordinatorScript[] =
    "printf '{\"listen\":\"tcp://127.0.0.1:1\",\"http\":\"%s\",\"pid\":%d}' $SCRIPTED $$ "
    "> $SEINE_STATE_DIR/coordinator.json\n"
    "exec sleep 1000\n";

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() : state_(*StateDir::Open((folder_.path() / "runtime").string())) {
    Script("coordinator", kCoordinatorScript);
    Script("worker", "exec sleep 1000\n");
    EXPECT_TRUE(WriteFile(state_.admin_key(), ScriptedCoordinator::kApiKey));
    settings_.database = "postgresql://nowhere/";  // an external one: not supervised
    settings_.workers = 2;
    settings_.environment["SCRIPTED"] = scripted_.address();
    settings_.seine_program = SEINE_BIN_DIR "/seine";
    settings_.coordinator_program = (folder_.path() / "coordinator").string();
    settings_.worker_program = (folder_.path() / "worker").string();
  }
  ~FleetTest() override {
    const std::vector<ProcessId> before = Everybody();
    EXPECT_TRUE(StopFleet(state_, signals_, true, [](const std::string&) {}));
    for (const ProcessId& process : before) EXPECT_FALSE(IsAlive(process)) << process.pid;
    EXPECT_TRUE(Everybody().empty());
  }

  void Script(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.path() / name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms(0755));
  }

  // As StartFleet, but without a database.
  void Start() {
    ASSERT_TRUE(WriteFleetSettings(state_, settings_));
    LaunchOrder order;
    order.arguments = {settings_.seine_program, "--state-dir", state_.root().string(),
                       "supervise-fleet"};
    order.log = state_.log("supervisor");
    const auto supervisor = Launch(order);
    ASSERT_TRUE(supervisor) << supervisor.error().message;
    for (const char* name : {"supervisor", "guardian", "coordinator"}) Running(name);
    for (int i = 1; i <= settings_.workers; ++i) Running("worker-" + std::to_string(i));
    WaitFor("the coordinator is told", [&] { return !scripted_.posts().empty(); });
  }

  void WaitFor(const std::string& what, const std::function<bool()>& is_so) {
    const auto give_up = std::chrono::steady_clock::now() + seconds(20);
    while (!is_so()) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << what << "\n"
                                                           << Tail(state_.log("supervisor"), 20);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  std::optional<ProcessId> Find(const std::string& name) const {
    return ReadPidFile(state_.pid_file(name));
  }
  ProcessId Running(const std::string& name) {
    WaitFor(name, [&] { return Find(name).has_value(); });
    return Find(name).value_or(ProcessId{});
  }
  void WaitForAnother(const std::string& name, const ProcessId& than) {
    WaitFor("another " + name, [&] { return Find(name) && Find(name) != than; });
  }
  void Kill(const ProcessId& process) {
    SendSignal(process, SIGKILL);
    WaitForEnd(process, seconds(5));
  }
  std::vector<ProcessId> Everybody() const {
    std::vector<ProcessId> found;
    for (const auto& entry : std::filesystem::directory_iterator(state_.fleet())) {
      if (entry.path().extension() != ".pid") continue;
      if (const auto process = ReadPidFile(entry.path())) found.push_back(*process);
    }
    return found;
  }
  ProgramState StateOf(const std::string& name) const {
    for (const ProgramState& program : ReadProgramStates(state_)) {
      if (program.name == name) return program;
    }
    return {};
  }

  common::Signals signals_;
  TemporaryFolder folder_;
  ScriptedCoordinator scripted_;
  StateDir state_;
  FleetSettings settings_;
};

TEST_F(FleetTest, StartsEverythingAndTellsTheCoordinator) {
  Start();
  EXPECT_EQ(scripted_.desired(), 2);
}

TEST_F(FleetTest, AKilledWorkerIsBackAtOnce) {
  Start();
  const ProcessId worker = Running("worker-1");
  const auto start = std::chrono::steady_clock::now();
  Kill(worker);
  WaitForAnother("worker-1", worker);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
  WaitFor("restarts", [&] { return StateOf("worker-1").restarts == 1; });
}

TEST_F(FleetTest, ACoordinatorThatHasNotReadItsDatabaseStopsNobody) {
  Start();
  const ProcessId worker = Running("worker-1");
  WaitFor("its wishes", [&] { return scripted_.statuses() > 1; });
  scripted_.KnowFleet(false);
  const int before = scripted_.statuses();
  WaitFor("more answers", [&] { return scripted_.statuses() > before + 4; });
  EXPECT_EQ(Find("worker-1"), worker);
  EXPECT_EQ(StateOf("worker-1").restarts, 0);
  scripted_.KnowFleet(true);
  scripted_.SetFleet(1);
  WaitFor("it goes on", [&] { return !Find("worker-2").has_value(); });
}

TEST_F(FleetTest, AKilledCoordinatorIsBack) {
  Start();
  const ProcessId coordinator = Running("coordinator");
  Kill(coordinator);
  WaitForAnother("coordinator", coordinator);
}

TEST_F(FleetTest, AKilledSupervisorIsReplacedByOneThatAdopts) {
  Start();
  const ProcessId supervisor = Running("supervisor");
  const ProcessId worker = Running("worker-1");
  const ProcessId coordinator = Running("coordinator");
  Kill(supervisor);
  WaitForAnother("supervisor", supervisor);
  EXPECT_EQ(Find("worker-1"), worker);
  EXPECT_EQ(Find("coordinator"), coordinator);
  Kill(worker);  // an adopted one: not the new supervisor's child
  WaitForAnother("worker-1", worker);
}

TEST_F(FleetTest, AKilledGuardianIsReplaced) {
  Start();
  const ProcessId guardian = Running("guardian");
  Kill(guardian);
  WaitForAnother("guardian", guardian);
}

TEST_F(FleetTest, TheFleetFollowsTheCoordinatorsWish) {
  Start();
  const ProcessId first = Running("worker-1");
  scripted_.SetFleet(3, R"(["worker-1"])");
  Running("worker-3");
  WaitFor("worker-1 ends", [&] { return !IsAlive(first); });
  scripted_.SetFleet(1);
  Running("worker-1");
  WaitFor("the others end", [&] { return !Find("worker-2") && !Find("worker-3"); });
}

TEST_F(FleetTest, AWorkerThatIsFencedStaysAwayUntilReleased) {
  Script("worker", "test \"$2\" = worker-2 && test ! -e " + (folder_.path() / "cured").string() +
                       " && exit 78\nexec sleep 1000\n");
  settings_.workers = 1;
  Start();
  scripted_.SetFleet(2);
  WaitFor("it is held", [&] { return StateOf("worker-2").is_held; });
  EXPECT_NE(StateOf("worker-2").note.find("exit 78"), std::string::npos);
  ASSERT_TRUE(WriteFile(folder_.path() / "cured", ""));
  ASSERT_TRUE(WriteFile(state_.fleet() / "worker-2.release", ""));
  Running("worker-2");
}

TEST_F(FleetTest, AWorkerThatDiesAtOnceIsTriedLessAndLessOften) {
  Script("worker", "echo x >> " + (folder_.path() / "tries").string() + "\nexit 1\n");
  settings_.workers = 0;
  Start();
  const auto start = std::chrono::steady_clock::now();
  scripted_.SetFleet(1);
  WaitFor("it was tried four times", [&] { return StateOf("worker-1").restarts >= 3; });
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(600));
}

TEST_F(FleetTest, StoppingTwiceIsStoppingOnce) {
  Start();
  EXPECT_TRUE(StopFleet(state_, signals_, true, [](const std::string&) {}));
  EXPECT_TRUE(StopFleet(state_, signals_, true, [](const std::string&) {}));
  EXPECT_FALSE(IsFleetUp(state_));
}

TEST_F(FleetTest, AWorkerThatHearsNoSignalIsKilledAtAnotherStopSignal) {
  Script("worker", "trap '' TERM\nwhile true; do sleep 1; done\n");
  settings_.workers = 1;
  Start();
  const ProcessId worker = Running("worker-1");
  std::thread impatient([&] {
    for (int i = 0; i < 40 && IsAlive(worker); ++i) {
      raise(SIGTERM);
      std::this_thread::sleep_for(milliseconds(100));
    }
  });
  EXPECT_TRUE(StopFleet(state_, signals_, false, [](const std::string&) {}));
  impatient.join();
  EXPECT_FALSE(IsAlive(worker));
}

TEST_F(FleetTest, ACoordinatorThatCannotStartIsToldAndNothingIsLeft) {
  Script("coordinator", "echo 'port 5600 is taken'\nexit 2\n");
  settings_.database = "embedded";
  const common::Status started = StartFleet(state_, settings_, signals_, [](const std::string&) {});
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("port 5600 is taken"), std::string::npos)
      << started.error().message;
  EXPECT_TRUE(Everybody().empty());
}

TEST_F(FleetTest, AStopThatWasInterruptedIsFinishedByTheNextStart) {
  settings_.database = "embedded";
  ASSERT_TRUE(WriteFile(state_.stopping(), ""));
  const common::Status started = StartFleet(state_, settings_, signals_, [](const std::string&) {});
  ASSERT_TRUE(started) << started.error().message;
  const ProcessId database = Running("database");
  Kill(database);
  WaitForAnother("database", database);
}

TEST_F(FleetTest, AFleetOfACommandsOwnBeginsResumedWithAllOfItsWorkers) {
  settings_.database = "embedded";
  scripted_.SetFleet(2, R"(["elsewhere","worker-2"])");
  BorrowedFleet fleet(state_, signals_);
  ASSERT_TRUE(fleet.Borrow(settings_, ""));
  std::string posts;
  for (const std::string& post : scripted_.posts()) posts += post + "\n";
  EXPECT_NE(posts.find("/api/admin/resume"), std::string::npos) << posts;
  EXPECT_NE(posts.find("/api/admin/workers/worker-2/restart"), std::string::npos) << posts;
  EXPECT_EQ(posts.find("worker-1/restart"), std::string::npos) << posts;
  EXPECT_EQ(posts.find("elsewhere"), std::string::npos) << posts;
}

// The signal comes before the fleet's start looks for one, so it is never up.
TEST(RetryTest, AnInterruptWhileItsFleetStartsIsNoFailure) {
  const TemporaryFolder folder;
  Options options;
  options.state_dir = (folder.path() / "runtime").string();
  options.is_all = true;
  const StateDir state = *StateDir::Open(options.state_dir);
  std::thread impatient([&] {
    while (!std::filesystem::exists(state.keys())) std::this_thread::yield();
    raise(SIGINT);
  });
  EXPECT_EQ(Retry(options), kInterrupted);
  impatient.join();
  EXPECT_FALSE(IsFleetUp(state));
}

}  // namespace
}  // namespace cli
