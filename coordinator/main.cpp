#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/logging.h"
#include "common/migrate.h"
#include "common/postgres.h"
#include "common/signals.h"
#include "coordinator/admin_ledger.h"
#include "coordinator/admin_server.h"
#include "coordinator/coordinator.h"
#include "coordinator/ledger_loop.h"
#include "coordinator/options.h"
#include "coordinator/postgres_ledger.h"
#include "proto/channel.h"

namespace {

namespace fs = std::filesystem;
using common::Error;
using common::ErrorKind;
using common::Result;
using common::Status;

constexpr std::chrono::seconds kDatabasePatience{60};

int Fail(const std::string& text) {
  std::cerr << "seine-coordinator: " << text << "\n";
  return 1;
}

// One coordinator a state directory; also what lets it take the database's lease from a dead one.
// The descriptor stays open for life.
Status LockStateDir(const std::string& state_dir) {
  std::error_code failed;
  fs::create_directories(state_dir, failed);
  const std::string path = state_dir + "/coordinator.lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return Error{ErrorKind::kRejected, "cannot write " + path};
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    return Error{ErrorKind::kRejected,
                 "another coordinator runs with the state directory " + state_dir};
  }
  return common::Done{};
}

// Waits for a database that is still starting.
Result<std::string> OpenDatabase(const coordinator::Options& options, common::Signals& signals) {
  const auto deadline = std::chrono::steady_clock::now() + kDatabasePatience;
  std::string last;
  for (;;) {
    const auto url = common::ResolveDatabaseUrl(options.database, options.state_dir);
    Status ready = common::Done{};
    if (!url) {
      ready = url.error();
    } else {
      auto connection = common::PgConnection::Open(*url);
      ready = connection ? common::Migrate(*connection) : Status(connection.error());
    }
    if (ready) return *url;
    const bool over = std::chrono::steady_clock::now() >= deadline || signals.Drain().stops > 0;
    if (ready.error().kind != ErrorKind::kTransient || over) return ready.error();
    if (ready.error().message != last) {
      common::LogWarning("database_away", {{"why", ready.error().message}});
      last = ready.error().message;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

std::string Holder(const std::string& state_dir) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  std::error_code failed;
  return std::string(host) + ":" + fs::weakly_canonical(state_dir, failed).string();
}

// For those who start us with port 0.
Status TellAddresses(const std::string& state_dir, const std::string& listen,
                     const std::string& http) {
  const std::string path = state_dir + "/coordinator.json";
  std::ofstream file(path + ".new", std::ios::trunc);
  file << fmt::format(R"({{"listen":"{}","http":"{}","pid":{}}})", listen, http, getpid()) << "\n";
  file.close();
  std::error_code failed;
  if (file) fs::rename(path + ".new", path, failed);
  if (!file || failed) return Error{ErrorKind::kRejected, "cannot write " + path};
  return common::Done{};
}

int Run(const coordinator::Options& options) {
  using std::chrono::milliseconds;
  common::Signals signals;
  if (const Status locked = LockStateDir(options.state_dir); !locked) {
    return Fail(locked.error().message);
  }
  const auto api_key = coordinator::ReadApiKey(options.state_dir);
  if (!api_key) return Fail(api_key.error().message);
  const auto url = OpenDatabase(options, signals);
  if (!url) return Fail(url.error().message);

  std::vector<coordinator::ScheduleWish> schedule;
  for (const common::ScheduleEntry& entry : options.schedule) {
    // One that is off keeps the interval of a day for the day when it is switched on.
    constexpr std::int64_t kDay_s = 86'400;
    schedule.push_back({entry.name, entry.every_s > 0 ? entry.every_s : kDay_s, entry.every_s > 0});
  }

  const common::SystemClock clock;
  proto::Context context;
  auto channel = proto::ServerChannel::Open(
      context, {options.listen, options.keys_dir, options.insecure, milliseconds(5000)});
  if (!channel) return Fail(channel.error().message);

  coordinator::SchedulerTimings timings;
  timings.heartbeat = milliseconds(options.heartbeat_ms);
  timings.suspect = 3 * timings.heartbeat;
  timings.lease = milliseconds(options.lease_ms);
  timings.grace = milliseconds(options.grace_ms);
  timings.adoption = milliseconds(options.adoption_ms);
  timings.stall = milliseconds(options.stall_ms);
  coordinator::PostgresLedger ledger(*url, Holder(options.state_dir), std::chrono::seconds(15),
                                     std::move(schedule));
  coordinator::PostgresLedger reader(*url, Holder(options.state_dir));
  coordinator::LedgerLoop ledger_loop(ledger, reader, clock);
  coordinator::Coordinator loop(**channel, ledger_loop, clock, timings, options.limits);
  auto admin = coordinator::AdminServer::Start(options.http, *api_key,
                                               coordinator::AdminLedger(*url), loop, clock);
  if (!admin) return Fail(admin.error().message);
  const Status told = TellAddresses(options.state_dir, (*channel)->endpoint(), (*admin)->address());
  if (!told) return Fail(told.error().message);
  common::LogInfo("coordinator_up", {{"version", SEINE_VERSION},
                                     {"listen", (*channel)->endpoint()},
                                     {"http", (*admin)->address()},
                                     {"keys", (*channel)->has_keys()}});
  loop.Run(&signals);
  common::LogInfo("coordinator_down");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  coordinator::Options options;
  if (const auto code = coordinator::ReadOptions(argc, argv, options)) return *code;
  common::SetUpLogging("coordinator", common::ParseLogLevel(options.log_level).value());
  try {
    return Run(options);
  } catch (const std::exception& failure) {
    return Fail(failure.what());
  }
}
