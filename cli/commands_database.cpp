#include <cerrno>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "cli/commands.h"
#include "cli/embedded_postgres.h"
#include "cli/fleet.h"
#include "cli/fleet_options.h"
#include "cli/terminal.h"
#include "common/migrate.h"
#include "common/postgres.h"

namespace cli {
namespace {

constexpr char kNotOurs[] = "the database is an external one (--database); it is not ours to ";

}  // namespace

int StartDatabase(const Options& options) {
  if (options.database != "embedded") {
    return Complain(kUsage, std::string(kNotOurs) + "start");
  }
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  EmbeddedPostgres database(*state);
  const common::Status started = database.Start(SayLine);
  if (!started) return Complain(kCannotStart, started.error().message);
  Print(database.url());
  return kDone;
}

int StopDatabase(const Options& options) {
  if (options.database != "embedded") {
    return Complain(kUsage, std::string(kNotOurs) + "stop");
  }
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  if (IsFleetUp(*state)) {
    return Complain(kCannotStart, "a fleet is up and would start it again; use `seine down`");
  }
  const common::Status stopped = EmbeddedPostgres(*state).Stop();
  if (!stopped) return Complain(kCannotStart, stopped.error().message);
  return kDone;
}

int MigrateDatabase(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const auto url = common::ResolveDatabaseUrl(DatabaseOf(options, *state), state->root().string());
  if (!url) return Complain(kCannotStart, url.error().message);
  auto connection = common::PgConnection::Open(*url);
  if (!connection) return Complain(kCannotStart, connection.error().message);
  const common::Status migrated = common::Migrate(*connection);
  if (!migrated) return Complain(kCannotStart, migrated.error().message);
  Print(std::string("The schema is up to date."));
  return kDone;
}

// Becomes psql. The URL goes by the environment: it may hold a password, which does not belong on
// a command line.
int OpenPsql(const Options& options) {
  const std::optional<StateDir> state = OpenState(options);
  if (!state) return kCannotStart;
  const auto url = common::ResolveDatabaseUrl(DatabaseOf(options, *state), state->root().string());
  if (!url) return Complain(kCannotStart, url.error().message);
  if (!ExportConnection(*url)) return Complain(kCannotStart, "--database is not a libpq URL");
  std::vector<std::string> arguments{"psql"};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  execvp("psql", raw.data());
  return Complain(kCannotStart, std::string("psql cannot be started: ") +
                                    std::generic_category().message(errno) +
                                    "; install the package postgresql-client");
}

}  // namespace cli
