// A private, real PostgreSQL for tests and benches: in a temporary directory, on a unix socket.
//
// It is gone when its owner is gone, also when that crashed or was killed: a small shell waits on a
// pipe for the owner's end, stops the server and deletes the directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "common/error.h"

namespace tests {

struct PostgresOptions {
  bool durable = false;               // fsync and full pages on, as in production
  bool tcp = false;                   // listens on a free port of 127.0.0.1 too
  std::vector<std::string> settings;  // "name=value"
};

class PostgresServer {
 public:
  // An error where PostgreSQL is not installed. Ends the program where it is and does not start.
  static common::Result<std::unique_ptr<PostgresServer>> Start(const PostgresOptions& options = {});

  // One server for all cases of a program, started at the first call; nullptr where it is not
  // installed.
  static PostgresServer* Shared();

  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // The libpq URL of a database, over the unix socket or over TCP.
  std::string Url(const std::string& database = "postgres") const;
  std::string TcpUrl(const std::string& database = "postgres") const;

  // Makes a fresh database and returns its URL: with our schema, or empty.
  std::string CreateDatabase();
  std::string CreateEmptyDatabase();

  // The whole server dies at once, as when the machine loses power.
  void Kill9();
  // Stops every process of the server until Resume().
  void Pause();
  void Resume();
  // Starts after Kill9() or Stop(), and returns once connections are accepted.
  common::Status Restart();
  void Stop();  // in order, connections are closed

  const std::string& directory() const { return directory_; }
  const std::string& log_path() const { return log_path_; }
  int port() const { return port_; }  // of TCP, and in the socket's name
  pid_t pid() const { return pid_; }

 private:
  PostgresServer() = default;
  common::Status Initialise(const PostgresOptions& options);
  common::Status Launch();
  std::string NewName();

  std::string bin_directory_;
  std::string directory_;
  std::string log_path_;
  std::vector<std::string> arguments_;
  int port_ = 5432;
  pid_t pid_ = -1;
  int watch_ = -1;  // its closing tells the shell that we are gone
  int databases_ = 0;
  bool has_template_ = false;
};

// Directory of initdb and postgres; empty where PostgreSQL is not installed.
std::string PostgresBinDirectory();

// Becomes the user `postgres` when running as root, which PostgreSQL and PgBouncer refuse. For a
// child between fork and exec.
void LeaveRoot();

// Makes an own directory under $TMPDIR or /tmp that the user `postgres` can use.
std::string MakeServerDirectory(const std::string& prefix);

// A free port of 127.0.0.1, for servers that cannot choose one themselves.
int FreePort();

}  // namespace tests
