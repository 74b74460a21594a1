#include "cli/database_access.h"

#include <cstdio>

namespace cli {

common::Result<std::unique_ptr<DatabaseAccess>> DatabaseAccess::Open(const StateDir& state,
                                                                     const std::string& database) {
  std::unique_ptr<DatabaseAccess> access(new DatabaseAccess);
  if (database == "embedded") {
    auto server = std::make_unique<EmbeddedPostgres>(state);
    if (!server->is_made()) {
      return common::Error{common::ErrorKind::kRejected,
                           "there is no database in " + state.root().string() +
                               " yet; `seine sync` makes one, --state-dir names another place"};
    }
    if (!server->Find()) {
      const common::Status started = server->Start(
          [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); });
      access->started_ = std::move(server);
      if (!started) return started.error();
    }
  }
  const auto url = common::ResolveDatabaseUrl(database, state.root().string());
  if (!url) return url.error();
  common::Result<common::PgConnection> connection = common::PgConnection::Open(*url);
  if (!connection) return connection.error();
  access->connection_.emplace(std::move(*connection));
  return access;
}

DatabaseAccess::~DatabaseAccess() {
  connection_.reset();
  if (started_ != nullptr) (void)started_->Stop();
}

}  // namespace cli
