#include "tests/support/postgres.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/migrate.h"
#include "common/postgres.h"
#include "tests/support/needed.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using common::Done;
using common::Error;
using common::ErrorKind;
using common::PgConnection;
using common::Result;
using common::Status;

constexpr std::chrono::milliseconds kPoll{20};

// Waits for the owner's end, then ends the server and removes its directory.
constexpr char kWatchScript[] =
    "read _; pid=$(head -n 1 \"$1/data/postmaster.pid\" 2>/dev/null); "
    "if [ -n \"$pid\" ]; then kill -CONT \"$pid\"; kill -QUIT \"$pid\"; i=0; "
    "while kill -0 \"$pid\" && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done; fi; "
    "rm -rf \"$1\"";

// Forks and executes; output goes to `log`. Returns the child.
pid_t Spawn(const std::vector<std::string>& command, const std::string& log, int input) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child > 0) return child;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = input >= 0 ? input : open("/dev/null", O_RDONLY);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  setsid();
  if (input < 0) LeaveRoot();
  execv(arguments[0], arguments.data());
  _exit(127);
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string TailOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream contents;
  contents << file.rdbuf();
  const std::string text = contents.str();
  constexpr std::size_t kTail = 600;
  return text.size() <= kTail ? text : text.substr(text.size() - kTail);
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/children", parent, parent));
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

void SignalAll(pid_t postmaster, int signal_number) {
  if (postmaster <= 0) return;
  const std::vector<pid_t> children = ChildrenOf(postmaster);
  kill(postmaster, signal_number);
  for (const pid_t child : children) kill(child, signal_number);
}

void WaitUntilGone(const std::vector<pid_t>& processes) {
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  for (const pid_t process : processes) {
    while (kill(process, 0) == 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(kPoll);
    }
  }
}

}  // namespace

std::string PostgresBinDirectory() {
  std::vector<std::string> candidates;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    candidates.push_back(entry.path().string() + "/bin");
  }
  for (const char* directory : {"/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"}) {
    candidates.emplace_back(directory);
  }
  std::sort(candidates.begin(), candidates.begin() + static_cast<long>(candidates.size() - 3),
            std::greater<>());
  for (const std::string& directory : candidates) {
    if (fs::exists(directory + "/initdb", ignored) &&
        fs::exists(directory + "/postgres", ignored)) {
      return directory;
    }
  }
  return "";
}

void LeaveRoot() {
  if (getuid() != 0) return;
  const passwd* const user = getpwnam("postgres");
  if (user == nullptr || setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 ||
      setuid(user->pw_uid) != 0) {
    _exit(126);
  }
}

std::string MakeServerDirectory(const std::string& prefix) {
  const char* const base = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/{}XXXXXX", base == nullptr ? "/tmp" : base, prefix);
  if (mkdtemp(path.data()) == nullptr) return "";
  const passwd* const user = getpwnam("postgres");
  if (getuid() == 0 && user != nullptr && chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return "";
  }
  return path;
}

int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(listener, generic, size) == 0);
  CHECK(getsockname(listener, generic, &size) == 0);
  close(listener);
  return ntohs(address.sin_port);
}

Result<std::unique_ptr<PostgresServer>> PostgresServer::Start(const PostgresOptions& options) {
  if (PostgresBinDirectory().empty()) return NotInstalled("PostgreSQL");
  std::unique_ptr<PostgresServer> server(new PostgresServer());
  Status ready = server->Initialise(options);
  if (ready) ready = server->Launch();
  if (!ready) {
    server.reset();
    FailForLackOf("PostgreSQL", ready.error().message);
  }
  return server;
}

PostgresServer* PostgresServer::Shared() {
  static const std::unique_ptr<PostgresServer> server = [] {
    Result<std::unique_ptr<PostgresServer>> started = Start();
    if (!started) std::cerr << started.error().message << "\n";
    return started ? std::move(*started) : nullptr;
  }();
  return server.get();
}

Status PostgresServer::Initialise(const PostgresOptions& options) {
  bin_directory_ = PostgresBinDirectory();
  if (getuid() == 0 && getpwnam("postgres") == nullptr) {
    return Error{ErrorKind::kRejected, "there is no user `postgres` to run it as"};
  }
  directory_ = MakeServerDirectory("seine-pg-");
  if (directory_.empty()) return Error{ErrorKind::kRejected, "no temporary directory"};
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  watch_ = ends[1];
  Spawn({"/bin/sh", "-c", kWatchScript, "sh", directory_}, "/dev/null", ends[0]);
  close(ends[0]);

  log_path_ = directory_ + "/log";
  const std::string data = directory_ + "/data";
  const pid_t initdb = Spawn({bin_directory_ + "/initdb", "-D", data, "-U", "seine", "-A", "trust",
                              "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"},
                             directory_ + "/initdb.log", -1);
  if (WaitFor(initdb) != 0) {
    return Error{ErrorKind::kRejected, "initdb: " + TailOf(directory_ + "/initdb.log")};
  }
  port_ = FreePort();
  arguments_ = {bin_directory_ + "/postgres", "-D", data, "-k", directory_, "-p",
                std::to_string(port_)};
  const auto set = [&](const std::string& setting) {
    arguments_.emplace_back("-c");
    arguments_.push_back(setting);
  };
  set(options.tcp ? "listen_addresses=127.0.0.1" : "listen_addresses=");
  if (!options.durable) {
    for (const char* setting : {"fsync=off", "full_page_writes=off"}) set(setting);
  }
  for (const std::string& setting : options.settings) set(setting);
  return Done{};
}

Status PostgresServer::Launch() {
  pid_ = Spawn(arguments_, log_path_, -1);
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  std::string last;
  while (std::chrono::steady_clock::now() < deadline) {
    const Result<PgConnection> connection = PgConnection::Open(Url());
    if (connection) return Done{};
    last = connection.error().message;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return Error{ErrorKind::kTransient, "PostgreSQL ended: " + TailOf(log_path_)};
    }
    std::this_thread::sleep_for(kPoll);
  }
  return Error{ErrorKind::kTransient, "PostgreSQL does not answer: " + last};
}

PostgresServer::~PostgresServer() {
  if (pid_ > 0) {
    Resume();
    kill(pid_, SIGQUIT);
    WaitFor(pid_);
  }
  if (watch_ >= 0) close(watch_);
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

std::string PostgresServer::Url(const std::string& database) const {
  return fmt::format("postgresql://seine@/{}?host={}&port={}", database, directory_, port_);
}

std::string PostgresServer::TcpUrl(const std::string& database) const {
  return fmt::format("postgresql://seine@127.0.0.1:{}/{}", port_, database);
}

std::string PostgresServer::NewName() {
  return fmt::format("t{}", ++databases_);
}

std::string PostgresServer::CreateDatabase() {
  constexpr char kTemplate[] = "seine_template";
  Result<PgConnection> admin = PgConnection::Open(Url());
  CHECK(admin.has_value());
  if (!has_template_) {
    CHECK(admin->Exec(std::string("CREATE DATABASE ") + kTemplate).has_value());
    Result<PgConnection> connection = PgConnection::Open(Url(kTemplate));
    CHECK(connection.has_value());
    const Status migrated = common::Migrate(*connection);
    if (!migrated) std::cerr << migrated.error().message << "\n";
    CHECK(migrated.has_value());
    has_template_ = true;
  }
  const std::string name = NewName();
  CHECK(admin->Exec(fmt::format("CREATE DATABASE {} TEMPLATE {}", name, kTemplate)).has_value());
  return Url(name);
}

std::string PostgresServer::CreateEmptyDatabase() {
  Result<PgConnection> admin = PgConnection::Open(Url());
  CHECK(admin.has_value());
  const std::string name = NewName();
  CHECK(admin->Exec("CREATE DATABASE " + name).has_value());
  return Url(name);
}

void PostgresServer::Kill9() {
  if (pid_ <= 0) return;
  const std::vector<pid_t> children = ChildrenOf(pid_);
  SignalAll(pid_, SIGKILL);
  WaitFor(pid_);
  WaitUntilGone(children);
  pid_ = -1;
}

void PostgresServer::Pause() {
  SignalAll(pid_, SIGSTOP);
}

void PostgresServer::Resume() {
  SignalAll(pid_, SIGCONT);
}

void PostgresServer::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGINT);
  WaitFor(pid_);
  pid_ = -1;
}

Status PostgresServer::Restart() {
  Stop();
  return Launch();
}

}  // namespace tests
