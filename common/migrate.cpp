#include "common/migrate.h"

#include <map>
#include <string>

#include <fmt/format.h>

namespace common {
namespace {

// Any number, as long as nothing else locks it: "seine" in ASCII.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(495790221925)";

constexpr char kBookkeeping[] =
    "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, checksum text NOT NULL, "
    "applied_at timestamptz NOT NULL DEFAULT now())";

using Applied = std::map<std::string, std::string, std::less<>>;  // name -> checksum

Result<Applied> ReadApplied(PgConnection& connection) {
  Applied applied;
  const Result<PgRows> exists = connection.Exec("SELECT to_regclass('schema_migration')");
  if (!exists) return exists.error();
  if (exists->IsNull(0, 0)) return applied;
  const Result<PgRows> rows = connection.Exec("SELECT name, checksum FROM schema_migration");
  if (!rows) return rows.error();
  for (int row = 0; row < rows->size(); ++row) {
    applied.emplace(rows->Text(row, 0), rows->Text(row, 1));
  }
  return applied;
}

// Whether what was applied is a beginning of what we know.
Status Verify(const Applied& applied, std::span<const Migration> migrations) {
  std::size_t known = 0;
  for (const Migration& migration : migrations) {
    const auto found = applied.find(migration.name);
    if (found == applied.end()) continue;
    ++known;
    if (found->second != migration.checksum) {
      return Error{ErrorKind::kRejected,
                   fmt::format("migration {} was changed after it was applied to this database "
                               "(applied {:.12}, this program has {:.12})",
                               migration.name, found->second, migration.checksum)};
    }
  }
  if (known == applied.size()) return Done{};
  for (const auto& [name, checksum] : applied) {
    bool is_known = false;
    for (const Migration& migration : migrations) is_known = is_known || migration.name == name;
    if (!is_known) {
      return Error{ErrorKind::kRejected,
                   fmt::format("this database has migration {}, which this program does not know; "
                               "a newer version has upgraded it",
                               name)};
    }
  }
  return Done{};
}

Status ApplyOne(PgConnection& connection, const Migration& migration,
                std::span<const Migration> migrations) {
  Result<PgTransaction> transaction = PgTransaction::Begin(connection);
  if (!transaction) return transaction.error();
  if (const auto locked = connection.Exec(kLock); !locked) return locked.error();
  if (const auto made = connection.Exec(kBookkeeping); !made) return made.error();
  const Result<Applied> applied = ReadApplied(connection);
  if (!applied) return applied.error();
  if (Status verified = Verify(*applied, migrations); !verified) return verified;
  if (applied->contains(migration.name)) return transaction->Commit();
  if (const Status done = connection.ExecScript(migration.sql); !done) {
    return Error{done.error().kind,
                 fmt::format("migration {}: {}", migration.name, done.error().message)};
  }
  const Result<PgRows> noted =
      connection.Exec("INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)",
                      PgParams().Text(migration.name).Text(migration.checksum));
  if (!noted) return noted.error();
  return transaction->Commit();
}

}  // namespace

Status Migrate(PgConnection& connection) {
  return Migrate(connection, EmbeddedMigrations());
}

Status Migrate(PgConnection& connection, std::span<const Migration> migrations) {
  const Result<Applied> applied = ReadApplied(connection);
  if (!applied) return applied.error();
  if (Status verified = Verify(*applied, migrations); !verified) return verified;
  for (const Migration& migration : migrations) {
    if (applied->contains(migration.name)) continue;
    if (Status done = ApplyOne(connection, migration, migrations); !done) return done;
  }
  return Done{};
}

}  // namespace common
