// A real PgBouncer in transaction mode before a PostgresServer: every transaction of a client may
// run in another session of the server.
#pragma once

#include <memory>
#include <string>

#include <sys/types.h>

#include "common/error.h"
#include "tests/support/postgres.h"

namespace tests {

class PgBouncer {
 public:
  // An error where pgbouncer is not installed. Ends the program where it is and does not start.
  // `server` outlives this.
  static common::Result<std::unique_ptr<PgBouncer>> Start(const PostgresServer& server,
                                                          int pool_size = 3);
  PgBouncer(const PgBouncer&) = delete;
  PgBouncer& operator=(const PgBouncer&) = delete;
  ~PgBouncer();

  // The same database, seen through the pooler.
  std::string Url(const std::string& database) const;

 private:
  PgBouncer() = default;

  std::string directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace tests
