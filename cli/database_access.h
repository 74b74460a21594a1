// A connection for a command that reads; an embedded server that is down runs for its duration.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/embedded_postgres.h"
#include "cli/state_dir.h"
#include "common/error.h"
#include "common/postgres.h"

namespace cli {

class DatabaseAccess {
 public:
  // `database` as of --database.
  static common::Result<std::unique_ptr<DatabaseAccess>> Open(const StateDir& state,
                                                              const std::string& database);
  ~DatabaseAccess();
  DatabaseAccess(const DatabaseAccess&) = delete;
  DatabaseAccess& operator=(const DatabaseAccess&) = delete;

  common::PgConnection& connection() { return *connection_; }

 private:
  DatabaseAccess() = default;

  std::unique_ptr<EmbeddedPostgres> started_;  // to be stopped again
  std::optional<common::PgConnection> connection_;
};

}  // namespace cli
