// Brings a database to the schema that this program was built with.
#pragma once

#include <span>

#include "common/error.h"
#include "common/postgres.h"

namespace common {

struct Migration {
  const char* name;      // the file's name without its ending
  const char* checksum;  // SHA-256 of the file, in hex
  const char* sql;
};

// The files of migrations/postgres, in order, as they were when this program was built.
std::span<const Migration> EmbeddedMigrations();

// Applies what is missing, each migration in a transaction of its own under an advisory lock, so
// programs that start at the same time do not disturb each other. A migration that was changed
// after it was applied, or one that this program does not know, is kRejected with a clear line.
Status Migrate(PgConnection& connection);
Status Migrate(PgConnection& connection, std::span<const Migration> migrations);

}  // namespace common
