#include "cli/embedded_postgres.h"

#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/format.h"
#include "cli/postgres_settings.h"
#include "common/migrate.h"
#include "common/postgres.h"

namespace cli {
namespace {

using common::Error;
using common::ErrorKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kInitTimeout(120);
constexpr seconds kStartTimeout(600);
constexpr seconds kStopTimeout(20);
constexpr int kStartAttempts = 20;
constexpr milliseconds kAttemptInterval(500);
constexpr char kDatabaseName[] = "seine";

Error SystemError(const std::string& what) {
  return {ErrorKind::kTransient, what + ": " + std::generic_category().message(errno)};
}

}  // namespace

EmbeddedPostgres::EmbeddedPostgres(const StateDir& state)
    : state_(state),
      data_(state.postgres() / "data"),
      socket_folder_(SocketFolderFor(state.postgres())) {}

std::string EmbeddedPostgres::url() const {
  return fmt::format("postgresql://{}@/{}?host={}", kDatabaseName, kDatabaseName,
                     UrlEncoded(socket_folder_.string()));
}

bool EmbeddedPostgres::is_made() const {
  return ClusterVersion() != 0;
}

int EmbeddedPostgres::ClusterVersion() const {
  const std::optional<std::string> text = ReadFile(data_ / "PG_VERSION");
  return text ? std::atoi(text->c_str()) : 0;
}

std::optional<ProcessId> EmbeddedPostgres::Find() const {
  if (const auto ours = ReadPidFile(state_.pid_file("database"))) return ours;
  // Somebody else may have started it, with pg_ctl: then its working directory tells.
  const std::optional<std::string> text = ReadFile(data_ / "postmaster.pid");
  if (!text) return std::nullopt;
  const std::optional<ProcessId> process = FindProcess(std::atoi(text->c_str()));
  if (!process) return std::nullopt;
  std::error_code failure;
  const auto folder =
      std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", process->pid), failure);
  if (failure || folder != data_) return std::nullopt;
  return process;
}

// Whether any process, a server or a session that outlived it, works in the data directory: each
// of them has it as its working directory.
bool EmbeddedPostgres::IsAnyoneInside() const {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", failure)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path() / "cwd", gone) == data_ && !gone) return true;
  }
  return false;
}

// PostgreSQL believes a lock file (it has one for its data, one for its socket) whose process
// number exists, be it the unreaped remains of the dead server or, after a restart of the machine,
// anybody else's.
void EmbeddedPostgres::RemoveStaleLock() const {
  std::error_code failure;
  const std::filesystem::path locks[] = {data_ / "postmaster.pid",
                                         socket_folder_ / ".s.PGSQL.5432.lock"};
  const bool is_locked =
      std::filesystem::exists(locks[0], failure) || std::filesystem::exists(locks[1], failure);
  if (!is_locked || IsAnyoneInside()) return;
  for (const std::filesystem::path& lock : locks) std::filesystem::remove(lock, failure);
}

common::Status EmbeddedPostgres::PrepareFolder(const std::filesystem::path& folder,
                                               const RunAs* user) const {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError("cannot make " + folder.string());
  }
  // In /tmp anybody may have been faster: only a real folder of the right owner will do.
  struct stat status {};
  if (lstat(folder.c_str(), &status) != 0) return SystemError(folder.string());
  const uid_t owner = user != nullptr ? user->uid : geteuid();
  if (!S_ISDIR(status.st_mode) || (status.st_uid != owner && status.st_uid != geteuid())) {
    return Error{ErrorKind::kRejected, folder.string() +
                                           " belongs to somebody else; remove it, or choose "
                                           "another --state-dir"};
  }
  if (user != nullptr && lchown(folder.c_str(), user->uid, user->gid) != 0) {
    return SystemError("cannot give " + folder.string() + " to the user postgres");
  }
  if (chmod(folder.c_str(), 0700) != 0) return SystemError("cannot close " + folder.string());
  return common::Done{};
}

// initdb works beside and the result is renamed: a cluster that is there is whole.
common::Status EmbeddedPostgres::Make(const RunAs* user) {
  const common::Result<PostgresPrograms> programs = FindPostgresPrograms();
  if (!programs) return programs.error();
  const std::filesystem::path fresh = state_.postgres() / "data.new";
  std::error_code failure;
  std::filesystem::remove_all(fresh, failure);
  LaunchOrder order;
  order.arguments = {(programs->folder / "initdb").string(),
                     "--pgdata=" + fresh.string(),
                     "--username=" + std::string(kDatabaseName),
                     "--auth=trust",
                     "--encoding=UTF8",
                     "--locale=C"};
  order.log = log();
  order.directory = "/";
  if (user != nullptr) order.user = *user;
  const common::Result<ProcessId> process = cli::Launch(order);
  if (!process) return process.error();
  if (!WaitForEnd(*process, kInitTimeout)) {
    SendSignal(*process, SIGKILL);
    return Error{ErrorKind::kTransient, "initdb did not end in time; see " + log().string()};
  }
  if (!std::filesystem::exists(fresh / "global" / "pg_control", failure)) {
    return Error{ErrorKind::kRejected, "initdb failed: " + LastWords()};
  }
  const std::optional<std::string> own = ReadFile(fresh / "postgresql.conf");
  common::Status included =
      WriteFile(fresh / "postgresql.conf", own.value_or("") + "\ninclude 'seine.conf'\n", 0644);
  if (!included) return included;
  if (std::rename(fresh.c_str(), data_.c_str()) != 0) return SystemError(data_.string());
  return common::Done{};
}

common::Result<ProcessId> EmbeddedPostgres::Launch() {
  const common::Result<std::optional<RunAs>> user = ChooseDatabaseUser(data_);
  if (!user) return user.error();
  const RunAs* const as = user->has_value() ? &**user : nullptr;
  const common::Result<PostgresPrograms> programs = FindPostgresPrograms(ClusterVersion());
  if (!programs) return programs.error();
  if (socket_folder_ != state_.postgres()) {
    const common::Status made = PrepareFolder(socket_folder_, as);
    if (!made) return made.error();
  }
  const common::Status settings =
      WriteFile(data_ / "seine.conf", PostgresSettings(socket_folder_), 0644);
  if (!settings) return settings.error();
  RemoveStaleLock();
  LaunchOrder order;
  order.arguments = {(programs->folder / "postgres").string(), "-D", data_.string()};
  order.log = log();
  order.pid_file = state_.pid_file("database");
  order.directory = "/";
  order.user = *user;
  common::Result<ProcessId> process = cli::Launch(order);
  if (process || as == nullptr || !as->keeps_search) return process;
  return Error{ErrorKind::kRejected,
               process.error().message + "; the user postgres cannot enter a folder above " +
                   data_.string() + ": choose a --state-dir that it can enter, as one in /var/lib"};
}

common::Status EmbeddedPostgres::Start(const std::function<void(const std::string&)>& say) {
  const std::optional<FileLock> lock = FileLock::Wait(state_.lock("database"));
  if (!lock) return SystemError(state_.lock("database").string());
  const common::Result<std::optional<RunAs>> user = ChooseDatabaseUser(data_);
  if (!user) return user.error();
  const RunAs* const as = user->has_value() ? &**user : nullptr;
  common::Status step = PrepareFolder(state_.postgres(), as);
  if (step && !is_made()) {
    say("making a private PostgreSQL cluster in " + state_.postgres().string());
    step = Make(as);
  }
  if (!step) return step;
  if (!Find()) say("starting PostgreSQL");
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    if (!Find()) {
      const common::Result<ProcessId> process = Launch();
      if (!process) return process.error();
    }
    step = WaitUntilItAnswers();
    // Sessions of a server that was killed take a moment to notice and let go.
    if (step || step.error().message.find("shared memory") == std::string::npos) break;
    std::this_thread::sleep_for(kAttemptInterval);
  }
  if (step) step = MakeDatabase();
  if (step) step = WriteFile(state_.database_url(), url() + "\n", 0644);
  return step;
}

common::Status EmbeddedPostgres::WaitUntilItAnswers() {
  const auto give_up = std::chrono::steady_clock::now() + kStartTimeout;
  const std::string server = fmt::format("postgresql://{}@/postgres?host={}", kDatabaseName,
                                         UrlEncoded(socket_folder_.string()));
  while (std::chrono::steady_clock::now() < give_up) {
    if (common::PgConnection::Open(server)) return common::Done{};
    const std::optional<ProcessId> process = Find();
    if (!process) {
      return Error{ErrorKind::kTransient, "PostgreSQL does not start: " + LastWords()};
    }
    Reap(process->pid);  // Else a server of ours that has ended would look alive.
    std::this_thread::sleep_for(kPollInterval);
  }
  return Error{ErrorKind::kTransient, "PostgreSQL does not answer; see " + log().string()};
}

common::Status EmbeddedPostgres::MakeDatabase() {
  const std::string server = fmt::format("postgresql://{}@/postgres?host={}", kDatabaseName,
                                         UrlEncoded(socket_folder_.string()));
  common::Result<common::PgConnection> connection = common::PgConnection::Open(server);
  if (!connection) return connection.error();
  const auto found = connection->Exec("SELECT 1 FROM pg_database WHERE datname = 'seine'");
  if (!found) return found.error();
  if (found->empty()) {
    const auto made = connection->Exec("CREATE DATABASE seine");
    if (!made) return made.error();
  }
  common::Result<common::PgConnection> ours = common::PgConnection::Open(url());
  if (!ours) return ours.error();
  return common::Migrate(*ours);
}

common::Status EmbeddedPostgres::Stop() {
  const std::optional<FileLock> lock = FileLock::Wait(state_.lock("database"));
  for (const int signal : {SIGINT, SIGQUIT, SIGKILL}) {
    const std::optional<ProcessId> process = Find();
    if (!process) break;
    SendSignal(*process, signal);  // fast; immediate; and for one that hears nothing any more
    WaitForEnd(*process, kStopTimeout);
  }
  if (Find()) return Error{ErrorKind::kTransient, "PostgreSQL does not end"};
  std::error_code failure;
  std::filesystem::remove(state_.pid_file("database"), failure);
  if (socket_folder_ != state_.postgres()) std::filesystem::remove(socket_folder_, failure);
  return common::Done{};
}

std::string EmbeddedPostgres::LastWords() const {
  const std::string words = Tail(log(), 40);
  std::string shown = Tail(log(), 1);
  for (const char* mark : {"FATAL:", "PANIC:", "error:", "ERROR:"}) {
    const std::size_t at = words.rfind(mark);
    if (at == std::string::npos) continue;
    shown = words.substr(at, words.find('\n', at) - at);
    break;
  }
  return shown + " (the whole log: " + log().string() + ")";
}

}  // namespace cli
