#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/admin_client.h"
#include "cli/commands.h"
#include "cli/doctor_findings.h"
#include "cli/doctor_upstreams.h"
#include "cli/embedded_postgres.h"
#include "cli/fleet.h"
#include "cli/fleet_options.h"
#include "cli/format.h"
#include "common/options.h"
#include "common/postgres.h"

namespace cli {
namespace {

constexpr std::uintmax_t kLittleDisk = 20'000'000'000;
constexpr std::uintmax_t kNoDisk = 1'000'000'000;

void CheckPrograms(Findings& findings) {
  for (const char* name : {"seine-coordinator", "seine-worker"}) {
    const std::filesystem::path path = ProgramFolder() / name;
    if (access(path.c_str(), X_OK) == 0) {
      findings.Say(Verdict::kOk, path.string());
    } else {
      findings.Say(Verdict::kFail, path.string() + " is missing",
                   "keep the programs of one build in one folder");
    }
  }
}

void CheckEmbedded(Findings& findings, const StateDir& state) {
  const auto programs = FindPostgresPrograms();
  if (!programs) {
    findings.Say(Verdict::kFail, programs.error().message);
    return;
  }
  const auto user = ChooseDatabaseUser(state.postgres());
  if (!user) {
    findings.Say(Verdict::kFail, user.error().message);
    return;
  }
  std::string how = *user ? ", run as the user postgres" : "";
  if (*user && (*user)->keeps_search) how += ", which may pass through closed folders";
  const EmbeddedPostgres database(state);
  findings.Say(Verdict::kOk, fmt::format("PostgreSQL {} in {}{}; the private cluster is {}",
                                         programs->version, programs->folder.string(), how,
                                         database.Find()      ? "running"
                                         : database.is_made() ? "there, not running"
                                                              : "not made yet"));
}

void CheckDatabase(Findings& findings, const std::string& database, const StateDir& state) {
  if (database == "embedded") {
    CheckEmbedded(findings, state);
    if (!EmbeddedPostgres(state).Find()) return;
  }
  const auto url = common::ResolveDatabaseUrl(database, state.root().string());
  if (!url) {
    findings.Say(Verdict::kFail, url.error().message);
    return;
  }
  auto connection = common::PgConnection::Open(*url);
  if (!connection) {
    findings.Say(Verdict::kFail, "database: " + connection.error().message,
                 "check --database and that the server runs");
    return;
  }
  const auto version = connection->Exec("SHOW server_version_num");
  const std::int64_t number = version ? std::atoll(std::string(version->Text(0, 0)).c_str()) : 0;
  if (number >= 150000) {
    findings.Say(Verdict::kOk, fmt::format("database answers, PostgreSQL {}", number / 10000));
  } else {
    findings.Say(Verdict::kFail, fmt::format("database is PostgreSQL {}", number / 10000),
                 "15 or newer is needed");
  }
  const auto pool = connection->Exec("SELECT pg_is_in_recovery()");
  if (pool && pool->Bool(0, 0)) {
    findings.Say(Verdict::kFail, "the database is a read-only standby", "give the primary's URL");
  }
}

void CheckDisk(Findings& findings, const StateDir& state) {
  std::error_code failure;
  const auto space = std::filesystem::space(state.root(), failure);
  if (failure) {
    findings.Say(Verdict::kWarn, "free disk space is not known: " + failure.message());
    return;
  }
  const std::string what =
      Bytes(static_cast<std::int64_t>(space.available)) + " free in " + state.root().string();
  if (space.available < kNoDisk) {
    findings.Say(Verdict::kFail, what, "a million trades need about 260 MB");
  } else if (space.available < kLittleDisk) {
    findings.Say(Verdict::kWarn, what, "a million trades need about 260 MB");
  } else {
    findings.Say(Verdict::kOk, what);
  }
}

void CheckSecrets(Findings& findings, const StateDir& state, const std::string& keys) {
  std::vector<std::filesystem::path> secrets{state.admin_key()};
  std::error_code failure;
  int pairs = 0;
  if (!keys.empty()) {
    secrets.push_back(std::filesystem::path(keys) / "coordinator.key");
    const auto workers = std::filesystem::path(keys) / "workers";
    for (const auto& entry : std::filesystem::directory_iterator(workers, failure)) {
      if (entry.path().extension() == ".key") secrets.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& secret : secrets) {
    struct stat status {};
    if (stat(secret.c_str(), &status) != 0) continue;
    ++pairs;
    if ((status.st_mode & 077U) != 0) {
      findings.Say(Verdict::kFail, secret.string() + " can be read by others",
                   "chmod 600 " + secret.string());
    }
  }
  findings.Say(Verdict::kOk, pairs > 0 ? fmt::format("{} secret file(s) looked at", pairs)
                                       : std::string("no keys yet; `seine up` makes them"));
}

bool CanBind(const common::HostPort& place) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(place.port);
  const std::string host = place.host == "localhost" ? "127.0.0.1" : place.host;
  // A name, or IPv6: not judged here.
  if (fd < 0 || inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
    if (fd >= 0) close(fd);
    return true;
  }
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool is_free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is_free;
}

void CheckPorts(Findings& findings, const FleetSettings& settings, bool is_up) {
  if (is_up) {
    findings.Say(Verdict::kOk, "a fleet is up; its ports are its own");
    return;
  }
  const std::string listen = settings.listen.substr(settings.listen.find("//") + 2);
  for (const auto& [option, address] :
       {std::pair("--listen", listen), std::pair("--http", settings.http)}) {
    const auto place = common::ParseHostPort(address);
    if (!place) {
      findings.Say(Verdict::kFail, std::string(option) + ": " + place.error().message);
    } else if (!CanBind(*place)) {
      findings.Say(Verdict::kFail, address + " is taken",
                   fmt::format("end what uses it, or choose another with {}", option));
    } else {
      findings.Say(Verdict::kOk, address + " is free");
    }
  }
}

}  // namespace

int Doctor(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  Findings findings;
  FleetSettings settings = SettingsFrom(options, *state);
  // Where others than `seine up` started it, only its answers show that it is up.
  const bool is_up = IsFleetUp(*state) || AdminClient(*state, options.http).IsUp();
  // A fleet that is up is looked at as it was started.
  if (const auto running = RunningSettings(*state)) {
    for (const auto& variable : running->environment) settings.environment.insert(variable);
    settings.keys = running->keys;
  }
  CheckPrograms(findings);
  CheckDatabase(findings, DatabaseOf(options, *state), *state);
  CheckDisk(findings, *state);
  CheckSecrets(findings, *state, settings.keys);
  CheckPorts(findings, settings, is_up);
  CheckUpstreams(findings, settings.environment);
  return findings.has_failed() ? kCannotStart : kDone;
}

}  // namespace cli
