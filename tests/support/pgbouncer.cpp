#include "tests/support/pgbouncer.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/postgres.h"
#include "tests/support/needed.h"

namespace tests {
namespace {

namespace fs = std::filesystem;
using common::Result;

std::string FindProgram() {
  for (const char* path :
       {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<PgBouncer>> PgBouncer::Start(const PostgresServer& server, int pool_size) {
  const std::string program = FindProgram();
  if (program.empty()) return NotInstalled("pgbouncer");
  std::unique_ptr<PgBouncer> bouncer(new PgBouncer());
  bouncer->directory_ = MakeServerDirectory("seine-pgb-");
  CHECK(!bouncer->directory_.empty());
  bouncer->port_ = FreePort();
  const std::string config = bouncer->directory_ + "/pgbouncer.ini";
  std::ofstream(bouncer->directory_ + "/users") << "\"seine\" \"\"\n";
  std::ofstream(config) << fmt::format(
      "[databases]\n* = host={} port={} user=seine\n[pgbouncer]\nlisten_addr =\nlisten_port = {}\n"
      "unix_socket_dir = {}\nauth_type = trust\nauth_file = {}/users\npool_mode = transaction\n"
      "default_pool_size = {}\nmax_client_conn = 200\nlogfile = {}/log\n",
      server.directory(), server.port(), bouncer->port_, bouncer->directory_, bouncer->directory_,
      pool_size, bouncer->directory_);
  for (const char* name : {"/users", "/pgbouncer.ini"}) {
    chmod((bouncer->directory_ + name).c_str(), 0644);
  }
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int descriptor : {0, 1, 2}) dup2(nowhere, descriptor);
    LeaveRoot();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(program.c_str(), "pgbouncer", config.c_str(), nullptr);
    _exit(127);
  }
  bouncer->pid_ = child;
  std::string last;
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto connection = common::PgConnection::Open(bouncer->Url("postgres"));
    if (connection) return bouncer;
    last = connection.error().message;
    if (waitpid(child, nullptr, WNOHANG) == child) {
      bouncer->pid_ = -1;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  bouncer.reset();
  FailForLackOf("pgbouncer", "does not answer: " + last);
}

PgBouncer::~PgBouncer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

std::string PgBouncer::Url(const std::string& database) const {
  return fmt::format("postgresql://seine@/{}?host={}&port={}", database, directory_, port_);
}

}  // namespace tests
